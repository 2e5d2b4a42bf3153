"""Figures, their bars, and the file that keeps them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.bench.figures import Bar, Figure, Report
from scripts.bench.machine import this_machine
from scripts.bench.rounds import interleaved
from tests.scripts.bench.reports import FIGURE, part, report


def test_the_ratio_is_the_median_of_each_rounds_own() -> None:
    figure = Figure(name="x", unit="s", rounds=(1, 20, 3), peer="y", peer_rounds=(2, 40, 3))
    assert figure.ratio == 0.5
    assert (figure.median, figure.peer_median) == (3, 3)


def test_a_figure_without_a_peer_has_no_ratio() -> None:
    figure = Figure(name="x", unit="s", rounds=(1, 2, 6))
    assert (figure.median, figure.peer_median, figure.ratio, figure.met) == (2, None, None, None)


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (Bar(of="ratio", bound="at least", limit=4), True),
        (Bar(of="ratio", bound="at least", limit=4.1), False),
        (Bar(of="ratio", bound="at most", limit=3.9), False),
        (Bar(of="value", bound="at least", limit=8), True),
        (Bar(of="value", bound="at most", limit=7), False),
    ],
)
def test_a_bar_is_met_or_not(bar: Bar, met: bool) -> None:
    figure = Figure(name="x", unit="1/s", rounds=(8,), peer="y", peer_rounds=(2,), bar=bar)
    assert figure.met is met


def test_a_small_run_is_held_to_no_bar() -> None:
    measured = part().measured.without_bars()
    assert [figure.met for figure in measured.figures] == [None, None]
    assert measured.figures[0].rounds == FIGURE.rounds


def test_rounds_must_have_a_peer_each() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _ = Figure(name="x", unit="s", rounds=(1, 2), peer="y", peer_rounds=(1,)).ratio


def test_the_file_tells_machine_rounds_and_medians(tmp_path: Path) -> None:
    report(embedding=part()).write(tmp_path / "deep" / "figures.json")
    kept = json.loads((tmp_path / "deep" / "figures.json").read_text("utf-8"))
    figure = kept["parts"]["embedding"]["measured"]["figures"][0]
    assert figure["rounds"] == [80.0, 90.0, 100.0]
    assert (figure["median"], figure["peer_median"], figure["ratio"]) == (90.0, 20.0, 4.5)
    assert figure["met"] is True
    assert kept["parts"]["embedding"]["machine"]["cores"] == 2


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = report(embedding=part(), memory=part())
    written.write(tmp_path / "figures.json")
    assert Report.read(tmp_path / "figures.json") == written


def test_no_file_is_an_empty_report(tmp_path: Path) -> None:
    assert Report.read(tmp_path / "figures.json").parts == {}


def test_a_new_run_of_a_part_takes_the_place_of_the_old_one() -> None:
    new = part(small=True)
    merged = report(embedding=part(), memory=part()).with_part("embedding", new)
    assert merged.parts["embedding"] == new
    assert merged.parts["memory"] == part()


def test_peers_take_turns_and_none_is_always_first() -> None:
    order: list[str] = []

    def noting(name: str, number: float) -> float:
        order.append(name)
        return number

    given = interleaved(2, {"a": lambda: noting("a", 1), "b": lambda: noting("b", 2)})
    assert given == {"a": (1, 1), "b": (2, 2)}
    assert order == ["a", "b", "b", "a"]


def test_the_machine_is_named() -> None:
    machine = this_machine(small=True)
    assert machine.processor
    assert machine.cores >= 1
    assert {"python", "numpy", "onnxruntime", "faiss-cpu"} <= set(machine.versions)
    assert machine.date <= datetime.now(UTC)


def test_the_bars_are_shown_as_they_are_written_about() -> None:
    assert str(FIGURE.bar) == "≥ 4 ×"
    assert str(Bar(of="value", bound="at most", limit=200)) == "≤ 200"
