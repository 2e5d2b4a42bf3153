"""Programs that use the clients in clients/, as commands, built where they need to be."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.environment import ROOT

CLIENTS = ("python",)
FOLDER = ROOT / "clients"
PYTHON_PATH = FOLDER / "python"


@dataclass(frozen=True)
class Programs:
    """Of one client, as commands. `scenario`: what all clients go through. `source`: of the example."""

    scenario: list[str]
    example: list[str]
    source: Path


def programs(language: str, folder: Path) -> Programs:
    """`folder`: for what is built. Skips the test where a language is missing; in CI that is a failure."""
    return {"python": _python}[language](folder)


def _python(folder: Path) -> Programs:
    scenario, example = PYTHON_PATH / "tests/scenario.py", PYTHON_PATH / "examples/enroll.py"
    return Programs([sys.executable, str(scenario)], [sys.executable, str(example)], example)
