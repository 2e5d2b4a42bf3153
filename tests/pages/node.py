"""Programs of npm that the pages are checked with: installed once, by their lock file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.made_once import made_once
from tests.missing import missing, program

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


def installed_packages(folder: Path = HERE) -> Path:
    """`node_modules` of the `package-lock.json` in `folder`, or a skipped test that says so; in CI their
    absence is a failure.
    """
    npm = program("npm", needed_by="tests of pages and clients")
    lock = (folder / "package-lock.json").read_bytes()
    packages = folder / "node_modules"
    made_once(packages / ".installed", lock, folder / ".installing", lambda: _install(npm, folder))
    return packages


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        missing(f"npm ci: {done.stderr[-500:]}")
