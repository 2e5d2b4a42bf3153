"""Commands divide their work among threads of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STARTED = """
import os, sys, service
assert "numpy" not in sys.modules
import service.cli
print(os.environ["OPENBLAS_NUM_THREADS"])
"""


@pytest.mark.parametrize(("given", "obtained"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")])
def test_openblas_has_one_thread_unless_told_otherwise(
    given: dict[str, str], obtained: str
) -> None:
    inherited = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", STARTED],
        env={**inherited, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == obtained
