"""Programs that use the clients in clients/, as commands, built where they need to be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.environment import ROOT
from tests.pages.node import installed_packages

CLIENTS = ("python", "typescript")
FOLDER = ROOT / "clients"
PYTHON_PATH = FOLDER / "python"
BUILD_SECONDS = 120


@dataclass(frozen=True)
class Programs:
    """Of one client, as commands. `scenario`: what all clients go through. `source`: of the example."""

    scenario: list[str]
    example: list[str]
    source: Path


def programs(language: str, folder: Path) -> Programs:
    """`folder`: for what is built. Skips the test where a language is missing; in CI that is a failure."""
    return {"python": _python, "typescript": _typescript}[language](folder)


def _python(folder: Path) -> Programs:
    scenario, example = PYTHON_PATH / "tests/scenario.py", PYTHON_PATH / "examples/enroll.py"
    return Programs([sys.executable, str(scenario)], [sys.executable, str(example)], example)


def _typescript(folder: Path) -> Programs:
    """Compiled into folders of the client's own, where its programs find it by its name."""
    client = FOLDER / "typescript"
    compiler = installed_packages(client) / "typescript" / "bin" / "tsc"
    for project in (client, client / "tests"):
        _build(["node", str(compiler), "--project", str(project)])
    build = client / "build"
    return Programs(
        ["node", str(build / "tests/scenario.js")],
        ["node", str(build / "examples/enroll.js")],
        client / "examples/enroll.ts",
    )


def _build(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
