"""Programs of npm that the pages are checked with: installed once, by their lock file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from fasteners import InterProcessLock

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


def installed_packages(folder: Path = HERE) -> Path:
    """`node_modules` of the `package-lock.json` in `folder`, or a skipped test that says so; in CI their
    absence is a failure.
    """
    npm = shutil.which("npm")
    if npm is None:
        missing("npm is not installed: tests of pages and clients need it")
    lock = (folder / "package-lock.json").read_bytes()
    packages = folder / "node_modules"
    done = packages / ".installed"
    with InterProcessLock(str(folder / ".installing")):  # tests run in two processes
        if not done.is_file() or done.read_bytes() != lock:
            _install(npm, folder)
            done.write_bytes(lock)
    return packages


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        missing(f"npm ci: {done.stderr[-500:]}")


def missing(reason: str) -> NoReturn:
    """Skips the test; in CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
