"""Every file and folder that a page names between backticks exists: from the root, below service/ or
below tests/; a module without its folder, anywhere below these.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.environment import ROOT

PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = (ROOT, ROOT / "service", ROOT / "tests")

_PATH = re.compile(r"`([a-z_.]+(?:/[\w.-]+)*(?:/|\.(?:py|toml|json|yml|md|lock)))`")


def missing_paths(page: Path) -> list[str]:
    """What `page` names and nobody has, in the order of the text."""
    return [path for path in _PATH.findall(page.read_text("utf-8")) if not _is_there(path)]


def _is_there(path: str) -> bool:
    if "/" not in path:
        return not path.endswith(".py") or any(
            found for place in PLACES[1:] for found in place.rglob(path)
        )
    return any(_holds_something(place / path) for place in PLACES)


def _holds_something(path: Path) -> bool:
    """A folder that has moved away leaves its `__pycache__` behind."""
    if not path.is_dir():
        return path.exists()
    return any(child.name != "__pycache__" for child in path.iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_paths_exist(page: Path) -> None:
    assert missing_paths(page) == []


def test_a_missing_path_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`domain/decision.py` `domain/` `decision.py` `face.json` `domain/no.py` `nothing/` `no.py`",
        "utf-8",
    )
    assert missing_paths(page) == ["domain/no.py", "nothing/", "no.py"]
