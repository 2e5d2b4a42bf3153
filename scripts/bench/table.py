"""The figures of a report as a table: in the terminal, and as Markdown in two languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from rich.table import Table

from scripts.bench.figures import Figure, Report

Language = Literal["en", "ko"]

_HEAD: Mapping[Language, Sequence[str]] = {
    "en": ("figure", "median", "peer", "its median", "ratio", "bar", "met"),
    "ko": ("측정값", "중앙값", "비교 대상", "비교 대상의 중앙값", "비율", "기준", "충족"),
}
_MET: Mapping[Language, Mapping[bool | None, str]] = {
    "en": {True: "yes", False: "no", None: ""},
    "ko": {True: "예", False: "아니요", None: ""},
}


def terminal_table(report: Report) -> Table:
    """Every figure, by benchmark, with its bar and whether it is met."""
    table = Table(*_HEAD["en"], title="Benchmarks", title_justify="left")
    for name, part in report.parts.items():
        size = ", small: proves that it works, and nothing else" if part.machine.small else ""
        table.add_section()
        table.add_row(f"[bold]{name}[/bold]{size}")
        for figure in part.measured.figures:
            table.add_row(*_cells(figure, "en"), style=_STYLES[figure.met])
    return table


_STYLES = {True: "green", False: "red", None: ""}


def markdown_table(report: Report, language: Language, *, with_bar_only: bool) -> str:
    """`with_bar_only`: what has to be reached, and nothing else."""
    rows = [
        _cells(figure, language)
        for figure in _figures(report)
        if figure.bar is not None or not with_bar_only
    ]
    head = _HEAD[language]
    return "\n".join(_row(cells) for cells in [head, ["---"] * len(head), *rows])


def _figures(report: Report) -> Iterator[Figure]:
    for part in report.parts.values():
        yield from part.measured.figures


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(figure: Figure, language: Language) -> list[str]:
    return [
        figure.name,
        f"{_shown(figure.median)} {figure.unit}",
        figure.peer or "",
        "" if figure.peer_median is None else f"{_shown(figure.peer_median)} {figure.unit}",
        "" if figure.ratio is None else f"{_shown(figure.ratio)} ×",
        "" if figure.bar is None else str(figure.bar),
        _MET[language][figure.met],
    ]


def _shown(number: float) -> str:
    """Three digits that mean something."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
