"""What the plots show, and that nothing in them lies on something else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.bench.drawing import LANGUAGES, spread
from scripts.bench.figures import Report
from scripts.bench.found import found_title, most_compared
from scripts.bench.korean import korean
from scripts.bench.plots import draw_all, plots_of
from scripts.bench.readme import FIGURES, FOLDER
from scripts.bench.search_figures import Searched, figures_of
from tests.scripts.bench.reports import part, part_of, searched

NAMES = re.compile(r"face|/\w+|pgvector, HNSW(, ef_search [\d,]+)?")
"""Not translated."""


HUNDRED = searched(("face", 2, 0), ("pgvector, HNSW, ef_search 40", 1, 600), people=100)
THOUSAND = searched(("face", 5, 0), ("pgvector, HNSW, ef_search 40", 2, 900), people=1_000)
ALONE = searched(("face", 9, 0), people=10_000)


def test_the_largest_gallery_that_all_searched_is_compared() -> None:
    people, (ours, hnsw) = most_compared(part_of(*HUNDRED, *THOUSAND, *ALONE))
    assert people == 1_000
    assert (ours.name, ours.milliseconds, ours.found) == ("face", 5, 100)
    assert (hnsw.setting, hnsw.milliseconds, hnsw.missed) == ("ef_search 40", 2, 900)
    assert hnsw.found == pytest.approx(10)


def test_mates_found_against_milliseconds_are_the_first_plot(tmp_path: Path) -> None:
    report = Report(parts={"embedding": part(), "search": part_of(*THOUSAND)})
    first, second = plots_of(report)
    assert (first.title, second.title) == ("One search among 1,000 people", "Speed")
    english, hangul, *_ = draw_all(report, tmp_path)
    assert "ef_search 40: misses 900 of 1,000" in english.read_text("utf-8")
    assert "ef_search 40: 1,000명 중 900명 놓침" in hangul.read_text("utf-8")


def test_labels_that_would_meet_are_moved_apart_around_where_they_belong() -> None:
    assert spread([0, 100], apart=10) == [0, 100]
    assert spread([50, 50], apart=10) == [45, 55]
    assert spread([0, 2, 4, 100], apart=10) == [-8, 2, 12, 100]
    assert spread([0, 9, 11], apart=10) == pytest.approx([-3.33, 6.67, 16.67], abs=0.01)


def test_an_index_is_one_line_however_it_is_searched() -> None:
    ways = ("face", "pgvector, HNSW, ef_search 40", "pgvector, HNSW, ef_search 100")
    searches = [
        Searched(way, way == "face", 10, (number,), (0.5,), (), 156 if way == "face" else 9, 1)
        for number, way in enumerate(ways, 1)
    ]
    _, curves = figures_of(searches)
    lines = {curve.name: list(curve.lines) for curve in curves}
    assert lines["search-time"] == list(ways)
    assert lines["search-memory"] == ["face", "pgvector, HNSW"]


def test_every_text_of_every_plot_is_korean() -> None:
    report = Report.read(FOLDER / FIGURES)
    curves = [curve for each in report.parts.values() for curve in each.measured.curves]
    texts = {
        text
        for curve in curves
        for text in (curve.title, curve.x, curve.y, f"{curve.better} is better", *curve.lines)
    }
    texts |= {plot.title for plot in plots_of(report)}
    assert {text for text in texts if korean(text) == text and not NAMES.fullmatch(text)} == set()


def test_every_plot_is_kept_in_every_language() -> None:
    report = Report.read(FOLDER / FIGURES)
    kept = {file.name for file in FOLDER.glob("*.svg")}
    assert kept == {f"{plot.name}{end}.svg" for plot in plots_of(report) for end in LANGUAGES}
    title = found_title(most_compared(report.parts["search"]))
    assert title in (FOLDER / "search-found.svg").read_text("utf-8")
