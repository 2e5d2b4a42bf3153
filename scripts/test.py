"""Every check of the project: formatter, linter, types, layers, tests.

    python3 scripts/test.py [arguments for pytest]

Needs Python >= 3.11 and pip; installs the rest into `.venv`. All checks run even where an early
one fails. The status is 0 when all of them passed. Tests run in two processes; `-n 0` keeps them in
one, as a debugger needs it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - older ones get here and are told so
    sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0])

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import ROOT, Environment, EnvironmentFailed

EXTRAS = ("dev", "dlib")

IN_PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""Two processes, each with its own database server, take whole files of tests in turn."""


def checks(environment: Environment, arguments: Sequence[str]) -> dict[str, list[str]]:
    """Commands by name. pytest comes last: its summary ends the output."""
    python = str(environment.python)
    return {
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "ruff check": [python, "-m", "ruff", "check", "."],
        "mypy": [python, "-m", "mypy"],
        "lint-imports": [str(environment.program("lint-imports"))],
        "pytest": [python, "-m", "pytest", *IN_PARALLEL, *arguments],
    }


def run_all(commands: dict[str, list[str]]) -> list[str]:
    """The names of those that failed."""
    failed: list[str] = []
    for name, command in commands.items():
        so_far = f"   (failed so far: {', '.join(failed)})" if failed else ""
        print(f"\n== {name}{so_far}", flush=True)
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            failed.append(name)
    return failed


def main(arguments: Sequence[str]) -> int:
    environment = Environment()
    try:
        environment.ensure(EXTRAS)
    except EnvironmentFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if run_all(checks(environment, arguments)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
