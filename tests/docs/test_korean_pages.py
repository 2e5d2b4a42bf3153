"""A Korean page has all that its English one has: the same commands, headings, rows, settings and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.environment import ROOT
from tests.docs.printed import PAGES, blocks, is_korean, name_of

KOREAN = [page for page in PAGES if is_korean(name_of(page))]

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HANGUL = re.compile("[가-힣]")


def english_of(page: Path) -> Path:
    return page.with_name(page.name.replace(".ko.md", ".md"))


def commands(page: Path) -> list[tuple[tuple[str, ...], bool]]:
    return [(block.commands, block.not_run is None) for block in blocks(page)]


def levels(page: Path) -> list[int]:
    """Of the headings, in order."""
    text = _CODE.sub("", page.read_text("utf-8"))
    return [len(signs) for signs in re.findall(r"^(#+) ", text, re.MULTILINE)]


def rows(page: Path) -> list[int]:
    """Of each table, how many."""
    tables = re.findall(r"(?:^(?:> )?\|.*\n)+", page.read_text("utf-8"), re.MULTILINE)
    return [len(table.splitlines()) for table in tables]


def names(page: Path) -> set[str]:
    """Settings, options and codes: whatever stands between backticks, without spaces, and is no word."""
    text = _CODE.sub("", page.read_text("utf-8"))
    return {
        each for each in re.findall(r"`([^`\s]+)`", text) if re.search(r"[_/-]|[a-z][A-Z]", each)
    }


def pictures(page: Path) -> list[str]:
    """English ones of a pair may end differently: `kiosk.png`, `kiosk.ko.png`."""
    found = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text("utf-8"))
    return [re.sub(r"[.-]ko(?=\.)", "", each) for each in found]


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_commands_are_the_same(page: Path) -> None:
    assert commands(page) == commands(english_of(page))


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_headings_are_as_many_of_the_same_levels(page: Path) -> None:
    assert levels(page) == levels(english_of(page))


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_tables_are_as_many_of_as_many_rows(page: Path) -> None:
    assert rows(page) == rows(english_of(page))


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_names_are_the_same(page: Path) -> None:
    assert names(page) ^ names(english_of(page)) == set()


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_pictures_are_of_the_same(page: Path) -> None:
    assert pictures(page) == pictures(english_of(page))


@pytest.mark.parametrize("page", KOREAN, ids=name_of)
def test_page_is_korean_and_each_leads_to_the_other(page: Path) -> None:
    prose = _CODE.sub("", page.read_text("utf-8"))
    assert len(_HANGUL.findall(prose)) > len(prose) / 10
    assert f"]({english_of(page).name})" in prose
    assert f"]({page.name})" in english_of(page).read_text("utf-8")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_screens_of_the_kiosk_are_called_as_they_are_shown(language: str) -> None:
    page = ROOT / "docs" / ("kiosk.ko.md" if language == "ko" else "kiosk.md")
    shown = (ROOT / "service" / "pages" / "kiosk" / f"{language}.js").read_text("utf-8")
    (table,) = re.findall(
        r"^\| (?:screen|화면) .*\n((?:\|.*\n)+)", page.read_text("utf-8"), re.MULTILINE
    )
    screens = [row.split("|")[1] for row in table.splitlines()[1:]]
    titles = {title.strip() for row in screens for title in row.split(",")}
    assert len(titles) > 5
    assert [title for title in titles if f'"{title}"' not in shown] == []


def test_what_is_missing_would_be_found(tmp_path: Path) -> None:
    english, korean = tmp_path / "page.md", tmp_path / "page.ko.md"
    english.write_text("# A\n\n## B\n\n| a |\n| b |\n\n`FACE_PAGES` ![x](x.png)\n", "utf-8")
    korean.write_text("# A\n\n| a |\n\n![x](x.ko.png)\n", "utf-8")
    assert levels(korean) != levels(english)
    assert rows(korean) != rows(english)
    assert names(korean) != names(english)
    assert pictures(korean) == pictures(english)
