"""The tables, the plots, and their place in the documentation."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from scripts.bench.drawing import OURS, PEERS
from scripts.bench.figures import Figure, Report
from scripts.bench.found import OURSELVES
from scripts.bench.headline import BY_README, EMBEDDING, ENGLISH, EXACT, VERIFY, Words, headline
from scripts.bench.plots import draw_all
from scripts.bench.readme import FIGURES, FOLDER, MARKERS, PAGE, SmallRun, results, write_results
from scripts.bench.table import bars_table, other_tables, terminal_table
from scripts.environment import ROOT
from scripts.markers import put_between_markers
from tests.scripts.bench.reports import FIGURE, WITHOUT_BAR, part, part_of, report, searched


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


def test_what_has_a_bar_stands_in_a_table_of_its_own() -> None:
    met, _, head, line, row = bars_table(report(embedding=part())).splitlines()
    assert met == "1 of 1 bars are met."
    assert head.count("|") == line.count("|") == row.count("|") == 8
    assert row.endswith("| ≥ 4 × | yes |")


def test_what_another_run_measured_is_dated() -> None:
    first = part()
    older = first.machine.model_copy(
        update={"commit": "0ld", "date": first.machine.date - timedelta(days=9)}
    )
    shown = results(report(embedding=first, memory=first.model_copy(update={"machine": older})))
    assert [row.split(" | ")[0] for row in shown.splitlines()[4:6]] == [
        "| photographs",
        "| photographs (2025-12-24)",
    ]
    assert shown.count("Of another run: ") == 1
    assert "commit 0ld, 2025-12-24: memory" in shown


def test_how_long_a_benchmark_took_is_told() -> None:
    shown = results(report(embedding=part().model_copy(update={"seconds": 90})))
    assert "2026-01-02: embedding 1.5 min" in shown


def test_figures_without_a_bar_are_listed() -> None:
    (table,) = other_tables(part().measured.figures)
    assert table.splitlines()[2:] == ["| start to ready | 1,234 s |  |  |  |"]


def test_methods_by_size_are_a_grid() -> None:
    names = ("search", "missed of 100 mates", "memory")
    figures = [
        WITHOUT_BAR.model_copy(update={"name": f"10 people, {method}: {name}"})
        for method in ("face", "FAISS, flat")
        for name in names
    ]
    (table,) = other_tables(figures)
    head, _, *rows = table.splitlines()
    assert head == "|  | search | missed | memory |"
    assert rows == [
        f"| 10 people, {method} | 1,234 s | 1,234 of 100 mates | 1,234 s |"
        for method in ("face", "FAISS, flat")
    ]


def test_every_condition_is_told() -> None:
    assert "- On a table." in results(report(embedding=part()))


def test_plots_are_linked_from_their_own_folder() -> None:
    shown = results(report(embedding=part()))
    assert shown.index("![Speed](speed.svg)") < shown.index("![Speed](speed.ko.svg)")


def test_the_machine_is_told_once() -> None:
    shown = results(report(embedding=part(), memory=part()))
    assert shown.count("a processor, 2 × CPU, 23.5 GiB, Python 3.11.7") == 1


def test_a_small_run_is_shown_to_nobody() -> None:
    with pytest.raises(SmallRun):
        results(report(embedding=part(), memory=part(small=True)))


def test_results_are_put_between_the_markers(tmp_path: Path) -> None:
    report(embedding=part()).write(tmp_path / FIGURES)
    page = tmp_path / PAGE
    page.write_text("a\n<!-- bench:start -->\nold\n<!-- bench:end -->\nb", "utf-8")
    write_results(tmp_path)
    text = page.read_text("utf-8")
    assert text.startswith("a\n<!-- bench:start -->\n1 of 1 bars are met.\n\n| figure")
    assert text.endswith("<!-- bench:end -->\nb")
    assert "old" not in text


def test_each_curve_is_drawn_the_same_every_time(tmp_path: Path) -> None:
    shown = report(embedding=part())
    once, again = (draw_all(shown, tmp_path / name) for name in ("once", "again"))
    assert [file.name for file in once] == ["speed.svg", "speed.ko.svg"]
    assert [file.read_bytes() for file in once] == [file.read_bytes() for file in again]


def test_ours_is_drawn_above_its_peers_in_a_color_of_its_own(tmp_path: Path) -> None:
    english, _ = draw_all(report(embedding=part()), tmp_path)
    lines = re.findall(r"stroke: (#\w+); stroke-width: (?:1\.5|3\.2)", english.read_text("utf-8"))
    assert lines == [PEERS, OURS[0]]


def test_the_page_shows_the_figures_that_are_kept() -> None:
    assert results(Report.read(FOLDER / FIGURES)) in (FOLDER / PAGE).read_text("utf-8")


@pytest.mark.parametrize(("name", "words"), BY_README.items())
def test_the_readme_tells_the_figures_that_are_kept(name: str, words: Words) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert text == put_between_markers(
        text, MARKERS, headline(Report.read(FOLDER / FIGURES), words)
    )


def test_the_headline_tells_the_search_the_calls_each_pack_and_the_bars() -> None:
    bar = FIGURE.bar
    faster = {"peer": "FaceAnalysis, as its README shows", "peer_rounds": (2,), "bar": bar}
    embedded = [
        Figure(name=f"{what}{EMBEDDING}", unit="1/s", rounds=(10,), **faster)
        for what in ENGLISH.packs
    ]
    verified = Figure(name=VERIFY, unit="1/s", rounds=(9,), peer="P", peer_rounds=(3,), bar=bar)
    ways = ((OURSELVES, 5, 0), (EXACT, 50, 0), ("pgvector, HNSW, ef_search 40", 2, 900))
    told = headline(
        report(
            search=part_of(*searched(*ways, people=1_000)),
            http=part_of(verified),
            embedding=part_of(*embedded),
        ),
        ENGLISH,
    )
    assert told.splitlines() == [
        "On 2 cores, a duplicate check among 1,000 people took 5 ms and missed 0 of 1,000 mates "
        "(pgvector's exact scan: 50 ms; HNSW: 900 of 1,000 in 2 ms).",
        "`/verify` at 16 callers: 9 photographs a second, 3 × P.",
        "Embedding next to FaceAnalysis as documented: 10 photographs a second with a small pack "
        "(5 ×), 10 with one of buffalo_l's size (5 ×).",
        "2 of 3 bars are met.",
    ]
