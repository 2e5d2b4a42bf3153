"""The sizes in the documentation are reckoned from the measured figures, by rules that hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from scripts.environment import ROOT
from scripts.sizing import MEASURED, PEOPLE, outdated, tables
from service.domain.search_threshold import search_threshold
from service.domain.thresholds import BUFFALO_L, CONSERVATIVE


def cells(name: str, text: str | None = None) -> list[str]:
    """Of the row of that name, but the first."""
    (line,) = [line for line in (text or tables()).splitlines() if line.startswith(f"| {name}")]
    return [cell.strip(" *") for cell in line.strip("|").split("|")[1:]]


def test_the_page_is_up_to_date() -> None:
    assert not outdated(ROOT / "docs" / "sizing.md")


def test_the_page_would_be_outdated_by_other_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "sizing.md").read_text("utf-8")
    assert tables() in page
    assert tables(replace(MEASURED, scan_microseconds=MEASURED.scan_microseconds * 2)) not in page


def test_sizes_grow_with_the_people() -> None:
    million, hundred, billion = cells("search state")
    assert (million, hundred, billion) == ("160 MB", "16 GB", "160 GB")


def test_one_person_is_the_sum_of_their_rows() -> None:
    parts = ("subject, with", "template: row", "template: sealed", "template: indexes", "audit rec")
    sizes = [int(re.sub(r"\D", "", cells(part)[0])) for part in parts]
    assert sum(sizes) == MEASURED.database_bytes
    assert cells("**together") == [f"{MEASURED.database_bytes:,} bytes"]


def test_search_at_the_published_rate_names_one_stranger_in_a_million() -> None:
    profile = BUFFALO_L.profile(CONSERVATIVE)
    for people, cell in zip(PEOPLE, cells("`conservative`, 0.45"), strict=True):
        expected = search_threshold(profile, (), people).expected_false_candidates
        assert cell == f"fewer than {expected:,.0f}"
    assert cells("`balanced`, 0.40") == ["at least 1", "at least 100", "at least 1,000"]


def test_no_rate_is_invented_where_none_is_published() -> None:
    assert set(cells("`aggressive`, 0.30")) == {"more; no published rate"}


def test_needed_rate_leaves_one_stranger_in_a_hundred_searches() -> None:
    rates = [float(cell) for cell in cells("**false match rate")]
    assert [rate * people for rate, people in zip(rates, PEOPLE, strict=True)] == pytest.approx(
        [0.01] * len(PEOPLE)
    )
