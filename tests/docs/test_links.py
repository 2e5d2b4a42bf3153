"""Every link from page to page leads to a file that exists, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.environment import ROOT

MOST_WORDS = 1420

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

_LINK = re.compile(r"\[[^]]*\]\((?!https?:)([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def broken_links(page: Path) -> list[str]:
    """The targets of `page` that are not there, in the order of the text."""
    return [link for link in _LINK.findall(page.read_text("utf-8")) if not _leads(page, link)]


def _leads(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = (page.parent / file) if file else page
    return target.exists() and (not heading or heading in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of `page`: lower case, hyphens for spaces, no punctuation."""
    text = _CODE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text("utf-8")))
    assert listed == {page.name for page in folder.glob("0*.md")}


def test_every_page_is_listed() -> None:
    folder = ROOT / "docs"
    listed = set(_LINK.findall((folder / "README.md").read_text("utf-8")))
    assert {page.name for page in folder.glob("*.md")} - {"README.md"} <= listed


def test_readme_is_short_enough_to_be_read() -> None:
    for name in ("README.md", "README.ko.md"):
        assert len((ROOT / name).read_text("utf-8").split()) < MOST_WORDS


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One two\n[a](#one-two) [b](#three) [c](other.md) [d](page.md#one-two)", "utf-8"
    )
    assert broken_links(page) == ["#three", "other.md"]
