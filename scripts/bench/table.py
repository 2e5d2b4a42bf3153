"""The figures of a report as tables: in the terminal, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from scripts.bench.figures import Figure, Part, Report

_HEAD = ("figure", "median", "peer", "its median", "ratio", "bar", "met")
_ITSELF = "itself with "
_BEFORE_BAR = 5
"""Columns that a figure without a bar fills."""

_MET = {True: "yes", False: "no", None: ""}
_STYLES = {True: "green", False: "red", None: ""}

_IN_GRID = re.compile(r"(?P<row>[\d,]+ people, .+): (?P<column>\w+)(?P<condition> of .+)?")
"""`10,000 people, FAISS, flat: missed of 100 mates`: one method with one size, and one quantity."""


def terminal_table(report: Report) -> Table:
    """Every figure, by benchmark, with its bar and whether it is met."""
    table = Table(*_HEAD, title="Benchmarks", title_justify="left")
    for name, part in report.parts.items():
        size = ", small: proves that it works, and nothing else" if part.machine.small else ""
        table.add_section()
        table.add_row(f"[bold]{name}[/bold]{size}")
        for figure in part.measured.figures:
            table.add_row(*_cells(figure), style=_STYLES[figure.met])
    return table


def bars_table(report: Report) -> str:
    """The figures that have to reach a bar, of all benchmarks; how many do; when another run than
    the latest measured them.
    """
    rows = []
    for part in report.parts.values():
        day = f" ({part.machine.date:%Y-%m-%d})" if report.is_apart(part) else ""
        for figure in _barred(part):
            name, *cells = _cells(figure)
            rows.append([name + day, *cells])
    met = sum(figure.met is True for figure in bars(report))
    return f"{met} of {len(rows)} bars are met.\n\n{_markdown(_HEAD, rows)}"


def bars(report: Report) -> list[Figure]:
    """All figures that have to reach a bar."""
    return [figure for part in report.parts.values() for figure in _barred(part)]


def _barred(part: Part) -> list[Figure]:
    return [figure for figure in part.measured.figures if figure.bar is not None]


def other_tables(figures: Sequence[Figure]) -> list[str]:
    """One benchmark's figures without a bar, each in a row; then those of methods by size, with
    and without a bar, as a grid of methods and quantities. A table without rows is left out, and
    so is a method's growth from size to size, which the grid shows.
    """
    grid = [figure for figure in figures if _IN_GRID.fullmatch(figure.name)]
    rest = (f for f in figures if f.bar is None and not (f.peer or "").startswith(_ITSELF))
    listed = [figure for figure in rest if figure not in grid]
    return [table for table in (_list(listed), _grid(grid)) if table]


def _list(figures: Sequence[Figure]) -> str:
    if not figures:
        return ""
    return _markdown(_HEAD[:_BEFORE_BAR], (_cells(figure)[:_BEFORE_BAR] for figure in figures))


def _grid(figures: Sequence[Figure]) -> str:
    rows: dict[str, dict[str, str]] = {}
    for figure in figures:
        if place := _IN_GRID.fullmatch(figure.name):
            cell = _with_ratio(figure, place["condition"] or f" {figure.unit}")
            rows.setdefault(place["row"], {})[place["column"]] = cell
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    lines = ([row, *(cells.get(column, "") for column in columns)] for row, cells in rows.items())
    return _markdown(["", *columns], lines) if rows else ""


def _with_ratio(figure: Figure, unit: str) -> str:
    ratio = "" if figure.ratio is None else f", {shown(figure.ratio)} ×"
    return f"{shown(figure.median)}{unit}{ratio}"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        for cells in (head, ["---"] * len(head), *rows):
            yield f"| {' | '.join(cells)} |"

    return "\n".join(lines())


def _cells(figure: Figure) -> list[str]:
    return [
        figure.name,
        f"{shown(figure.median)} {figure.unit}",
        figure.peer or "",
        "" if figure.peer_median is None else f"{shown(figure.peer_median)} {figure.unit}",
        "" if figure.ratio is None else f"{shown(figure.ratio)} ×",
        "" if figure.bar is None else str(figure.bar),
        _MET[figure.met],
    ]


def shown(number: float) -> str:
    """Three digits that mean something."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
