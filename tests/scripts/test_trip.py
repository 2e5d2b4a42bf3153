"""How much of the service one call goes through stays within bounds: a reader follows it file by file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.environment import ROOT

TRIP_SECONDS = 180.0
"""Of a start of the embedded database and a few calls that are traced."""

_PRINTED = re.compile(r"(\w+): \d+ functions, (\d+) files, \d+ folders, (\d+) changes of folder")

MOST = {"verify": (55, 44), "duplicate": (61, 76)}
"""Files and changes of folder, by call."""


@pytest.fixture(scope="module")
def trips(model_root: Path, people: dict[str, list[Path]]) -> dict[str, tuple[int, int]]:
    """Files and changes of folder, by call. In a process of its own, whose every call is noted."""
    photo = next(iter(people.values()))[0]
    found = _counted(model_root, photo)
    if all(
        count <= most for call in MOST for count, most in zip(found[call], MOST[call], strict=True)
    ):
        return found
    # The engine's threads enter some functions in another order where others are at work.
    again = _counted(model_root, photo)
    return {
        call: (min(a, c), min(b, d))
        for call in MOST
        for (a, b), (c, d) in [(found[call], again[call])]
    }


def _counted(model_root: Path, photo: Path) -> dict[str, tuple[int, int]]:
    command = ["-m", "scripts.trip", "--model-root", str(model_root), "--photo", str(photo)]
    run = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=TRIP_SECONDS
    )
    assert run.returncode == 0, run.stderr
    found = _PRINTED.findall(run.stdout)
    return {call: (int(files), int(changes)) for call, files, changes in found}


@pytest.mark.parametrize("call", MOST)
def test_call_enters_few_files(trips: dict[str, tuple[int, int]], call: str) -> None:
    assert trips[call][0] <= MOST[call][0]


@pytest.mark.parametrize("call", MOST)
def test_call_changes_the_folder_seldom(trips: dict[str, tuple[int, int]], call: str) -> None:
    assert trips[call][1] <= MOST[call][1]
