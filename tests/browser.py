"""Debian's Chromium opens a page as somebody would, and tells what is to be seen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.missing import program

SECONDS = 120


def chromium() -> str:
    """Its program, or a skipped test that says so; in CI its absence is a failure."""
    return program("chromium", "chromium-browser", needed_by="tests that open a page")


def _run(profile: Path, *arguments: str) -> str:
    """Without a network: whatever a page would load is not there."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}")
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    done = subprocess.run(
        [chromium(), *options, offline, *arguments],
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout.decode()


def dom(page: Path, profile: Path) -> str:
    """The page as the browser understood it."""
    return _run(profile, "--dump-dom", page.as_uri())


def picture(page: Path, profile: Path, height: int = 2000) -> NDArray[np.uint8]:
    """(height, 1300, 3), blue-green-red."""
    file = profile / "page.png"
    size = f"--window-size=1300,{height}"
    _run(profile, size, "--hide-scrollbars", f"--screenshot={file}", page.as_uri())
    return np.asarray(cv2.imread(str(file)), np.uint8)
