"""A command starts with what it needs: each module that it does not need costs every call of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.face import SECONDS, Face

RUN_AND_TELL = """
import atexit, sys
atexit.register(lambda: print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr))
from service.cli import main
main()
"""

NEVER = {"insightface", "matplotlib", "mako", "pygments", "ray", "requests", "scipy", "skimage"}
OF_A_SERVER = {"faiss", "fastapi", "limits", "prometheus_client", "starlette", "uvicorn"}
OF_A_MIGRATION = {"alembic"}
OF_A_MODEL = {"cv2", "onnxruntime", "PIL"}
OF_A_PACK = {"google", "onnx"}
OF_A_DATABASE = {"pgvector", "psycopg", "sqlalchemy"}

NOT_FOR_ONE_CALL = NEVER | OF_A_SERVER | OF_A_MIGRATION
NOT_FOR_ROWS = NOT_FOR_ONE_CALL | OF_A_MODEL


def loaded_by(face: Face, *arguments: object) -> set[str]:
    """The packages that the command has imported by its end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_TELL, *map(str, arguments)],
        cwd=face.folder,
        env=face.environment(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr.decode()
    return set(done.stderr.decode().splitlines()[-1].split())


def test_help_is_printed_by_itself(bare: Face) -> None:
    needless = NOT_FOR_ROWS | OF_A_PACK | OF_A_DATABASE
    assert loaded_by(bare, "--help") & needless == set()


def test_rows_are_listed_without_a_model(bare_gallery: Face, model_root: Path) -> None:
    rows = bare_gallery.but(model_root=model_root, model_name="mobile_s")
    assert loaded_by(rows, "collections", "list") & NOT_FOR_ROWS == set()
    assert loaded_by(rows, "subjects", "list") & (NOT_FOR_ROWS | OF_A_PACK) == set()


@pytest.mark.parametrize("command", ["dedupe", "doctor"])
def test_one_call_needs_no_server_and_no_migration(
    gallery_face: Face, people: dict[str, list[Path]], command: str
) -> None:
    arguments = [command] if command == "doctor" else [command, people["amy"][0]]
    loaded = loaded_by(gallery_face, *arguments)
    assert loaded & NOT_FOR_ONE_CALL == set()
    assert loaded >= OF_A_DATABASE | OF_A_PACK | {"cv2", "onnxruntime"}
