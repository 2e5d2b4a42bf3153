"""What a test needs and a machine may lack."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skips the test, which says so; in CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(*names: str, needed_by: str) -> str:
    """The path of the first of the programs that is installed, or `missing`."""
    for name in names:
        if found := shutil.which(name):
            return found
    missing(f"{names[0]} is not installed: {needed_by} need it")
