"""The plots of a report, each in each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from scripts.bench.drawing import (
    ABOVE,
    LANGUAGES,
    OURS,
    PEERS,
    THOUSANDS,
    Say,
    drawn,
    plot_file,
    spread,
    write,
)
from scripts.bench.figures import Curve, Report
from scripts.bench.found import NAME, draw_found, found_title, most_compared

_DASHES = ("--", ":", "-.", (0, (5, 1)), (0, (1, 3)), (0, (8, 3)))
_MARKERS = ("s", "^", "D", "v", "P", "X")
_FAR = 3_000
"""Times: a logarithmic axis that spans more has marks at powers of ten only."""
_BESIDE = 10.0
"""Points from the end of a line to its label."""


@dataclass(frozen=True, slots=True)
class Plot:
    """`title`: in English. `draw`: into a file, in a language."""

    name: str
    title: str
    draw: Callable[[Say, Path], None]


def plots_of(report: Report) -> Iterator[Plot]:
    """What decides a reader is first."""
    if searched := report.parts.get("search"):
        compared = most_compared(searched)
        yield Plot(NAME, found_title(compared), partial(draw_found, compared))
    for part in report.parts.values():
        for curve in part.measured.curves:
            yield Plot(curve.name, curve.title, partial(_draw_curve, curve))


def draw_all(report: Report, folder: Path) -> list[Path]:
    """The files written, each plot in each language. The same report gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for plot in plots_of(report):
        for language, say in LANGUAGES.items():
            files.append(folder / plot_file(plot.name, language))
            plot.draw(say, files[-1])
    return files


def _draw_curve(curve: Curve, say: Say, file: Path) -> None:
    subtitle = f"{say(curve.y)} · {say(f'{curve.better} is better')}"
    with drawn(file, say(curve.title), subtitle) as (drawing, axes):
        axes.set_xlabel(say(curve.x))
        lines = _lines(axes, curve, say)
        _scale(axes, curve)
        drawing.draw_without_rendering()  # until then nobody knows how high a point stands
        _label_ends(axes, lines, 72 / drawing.dpi)


def _lines(axes: Axes, curve: Curve, say: Say) -> dict[str, Line2D]:
    """By label. Peers who did the same are one line."""
    peers: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, points in curve.lines.items():
        if name not in curve.ours:
            peers.setdefault(points, []).append(say(name))
    styles = cycle(zip(_DASHES, _MARKERS, strict=True))
    drawn_lines = {}
    for points, names in peers.items():
        dash, marker = next(styles)
        look: dict[str, Any] = {
            "color": PEERS,
            "linestyle": dash,
            "marker": marker,
            "markersize": 5,
        }
        (line,) = axes.plot(*zip(*points, strict=True), **look)
        drawn_lines.update(dict.fromkeys(names, line))
    for name, color in zip(curve.ours, cycle(OURS)):
        look = {"color": color, "linewidth": 3.2, "marker": "o", "markersize": 8, "zorder": ABOVE}
        (drawn_lines[say(name)],) = axes.plot(*zip(*curve.lines[name], strict=True), **look)
    return drawn_lines


def _scale(axes: Axes, curve: Curve) -> None:
    """From zero where an axis is linear: a curve must not look steeper than it is."""
    ticks = sorted({x for points in curve.lines.values() for x, _ in points})
    if curve.log_x:
        axes.set_xscale("log")
    axes.set_xticks(ticks, minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(THOUSANDS)
    if curve.log_y:
        axes.set_yscale("log")
        lowest, highest = axes.get_ylim()
        far = highest > _FAR * lowest
        axes.yaxis.set_major_locator(LogLocator(subs=(1,) if far else (1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(THOUSANDS)


def _end(line: Line2D) -> tuple[float, float]:
    x, y = (np.asarray(numbers) for numbers in line.get_data())
    return float(x[-1]), float(y[-1])


def _label_ends(axes: Axes, lines: Mapping[str, Line2D], points: float) -> None:
    """The label of each line beside its last point; those that would meet are moved apart.

    `points`: of a pixel.
    """
    ends = {label: _end(line) for label, line in lines.items()}
    heights = {label: points * axes.transData.transform(end)[1] for label, end in ends.items()}
    upwards = sorted(ends, key=lambda label: (heights[label], lines[label].get_zorder()))
    places = spread([heights[label] for label in upwards])
    for label, place in zip(upwards, places, strict=True):
        write(axes, ends[label], label, lines[label], (_BESIDE, place - heights[label]))
