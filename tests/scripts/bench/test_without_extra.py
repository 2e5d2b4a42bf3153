"""Without the extra `bench`, the benchmarks say what to install."""

from __future__ import annotations

import subprocess
import sys

from scripts.environment import ROOT

WITHOUT_MATPLOTLIB = """
import runpy, sys
sys.modules["matplotlib"] = None
runpy.run_module("scripts.bench", run_name="__main__")
"""


def test_a_sentence_names_the_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MATPLOTLIB],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert '".[bench]"' in done.stderr
    assert "Traceback" not in done.stderr
