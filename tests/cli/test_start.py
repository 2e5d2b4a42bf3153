"""A command starts with what it needs: parsing its options loads no model, driver or server."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = (
    "alembic",
    "cv2",
    "faiss",
    "insightface",
    "onnxruntime",
    "psycopg",
    "scipy",
    "sqlalchemy",
    "uvicorn",
)


def test_commands_are_known_before_what_they_use_is_loaded() -> None:
    script = (
        "import sys, service.cli.app; "
        f"print([name for name in {NOT_NEEDED} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
