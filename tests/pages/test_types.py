"""The pages' scripts hold to the types that their comments declare."""

from __future__ import annotations

import subprocess
import sys

from tests.pages.node import HERE, installed_packages


def test_scripts_hold_to_their_types() -> None:
    compiler = installed_packages() / ".bin" / ("tsc.cmd" if sys.platform == "win32" else "tsc")
    done = subprocess.run([compiler, "-p", HERE], capture_output=True, text=True, timeout=120)
    assert done.stdout == ""
    assert done.returncode == 0
