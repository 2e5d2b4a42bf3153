"""The table, the plots, and their place in the documentation."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from scripts.bench.figures import Report
from scripts.bench.plots import draw_all
from scripts.bench.readme import (
    END,
    FIGURES,
    FOLDER,
    START,
    WHOLE,
    NoMarkers,
    SmallRun,
    results,
    with_results,
    write_results,
)
from scripts.bench.table import markdown_table, terminal_table
from scripts.environment import ROOT
from tests.scripts.bench.reports import part, report

PAGES = [ROOT / "README.md", ROOT / "README.ko.md", WHOLE]


def test_the_terminal_shows_every_figure_its_bar_and_whether_it_is_met() -> None:
    said = _printed(report(embedding=part()))
    for shown in (
        "embedding",
        "photographs",
        "90 1/s",
        "20 1/s",
        "4.5 ×",
        "≥ 4 ×",
        "yes",
        "1,234 s",
    ):
        assert shown in said


def test_a_small_run_is_called_one() -> None:
    assert "embedding, small" in _printed(report(embedding=part(small=True)))


def _printed(shown: Report) -> str:
    console = Console(width=150, file=StringIO())
    with console.capture() as captured:
        console.print(terminal_table(shown))
    return captured.get()


@pytest.mark.parametrize(("language", "yes"), [("en", "yes"), ("ko", "예")])
def test_markdown_speaks_both_languages(language: str, yes: str) -> None:
    table = markdown_table(report(embedding=part()), language, with_bar_only=True)  # type: ignore[arg-type]
    head, line, row = table.splitlines()
    assert head.count("|") == line.count("|") == row.count("|") == 8
    assert row.endswith(f"| ≥ 4 × | {yes} |")


def test_a_readme_shows_what_has_a_bar_and_the_whole_page_everything() -> None:
    shown = report(embedding=part())
    assert "start to ready" not in results(shown, ROOT / "README.md")
    assert "start to ready" in results(shown, WHOLE)
    assert "- embedding: On a table." in results(shown, WHOLE)


def test_plots_are_linked_relative_to_the_page() -> None:
    shown = report(embedding=part())
    assert "![Speed](docs/bench/speed.png)" in results(shown, ROOT / "README.md")
    assert "![Speed](speed.png)" in results(shown, WHOLE)


def test_the_machine_is_told_once() -> None:
    shown = results(report(embedding=part(), memory=part()), ROOT / "README.md")
    assert shown.count("a processor, 2 × CPU, 23.5 GiB, Python 3.11.7") == 1


def test_a_small_run_is_shown_to_nobody() -> None:
    with pytest.raises(SmallRun):
        results(report(embedding=part(), memory=part(small=True)), ROOT / "README.md")


def test_results_are_put_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"a\n{START}\nold\n{END}\nb", "utf-8")
    write_results(report(embedding=part()), page)
    text = page.read_text("utf-8")
    assert text.startswith(f"a\n{START}\n| figure")
    assert text.endswith(f"{END}\nb")
    assert "old" not in text


def test_a_page_needs_both_markers() -> None:
    with pytest.raises(NoMarkers):
        with_results(f"a\n{START}\n", "new")


def test_each_curve_is_drawn_the_same_every_time(tmp_path: Path) -> None:
    shown = report(embedding=part())
    (one,), (again,) = (draw_all(shown, tmp_path / name) for name in ("one", "again"))
    assert one.name == "speed.png"
    assert one.read_bytes() == again.read_bytes()
    assert cv2.imread(str(one)) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_documentation_shows_the_figures_that_are_kept(page: Path) -> None:
    kept = FOLDER / FIGURES
    if not kept.exists() or START not in page.read_text("utf-8"):
        pytest.skip("no full run is shown")
    text = page.read_text("utf-8")
    assert with_results(text, results(Report.read(kept), page)) == text
