"""The first plot shows how many mates each way to search finds, and in what time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from scripts.bench.drawing import (
    ABOVE,
    OURS,
    PEERS,
    THOUSANDS,
    Say,
    Side,
    drawn,
    write,
)
from scripts.bench.figures import Figure, Part
from scripts.bench.table import shown

NAME = "search-found"
OURSELVES = "face"
APPROXIMATE = "pgvector, HNSW"

Place: TypeAlias = tuple[float, float, Side]
"""Points from a point to the first line of what is said of it: to the right, up; and its near side."""

_LINE = 14.0
_LEFT: Place = (-14, _LINE / 2, "right")
_RIGHT: Place = (10, _LINE, "left")
_OVER: Place = (10, 12 + _LINE, "right")
_INCHES = (8.6, 3.9)
_ROOM_ABOVE = 122
"""Percent, on the axis, so that what is said over a point at 100 has room."""

_FIGURE = re.compile(
    r"(?P<people>[\d,]+) people, (?P<way>.+): (?P<of>search|missed of (?P<asked>[\d,]+) mates)"
)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to search a gallery: median `milliseconds`, and how many of `asked` mates it missed."""

    name: str
    milliseconds: float
    missed: int
    asked: int

    @property
    def found(self) -> float:
        """Percent."""
        return 100 * (1 - self.missed / self.asked)

    @property
    def setting(self) -> str:
        """What its kind was set to; empty where there is nothing to set."""
        return self.name.removeprefix(APPROXIMATE).lstrip(", ") if self.is_approximate else ""

    @property
    def is_approximate(self) -> bool:
        return self.name.startswith(APPROXIMATE)


Searched: TypeAlias = tuple[int, Sequence[Way]]
"""How many people, and each way that searched them."""


def most_compared(part: Part) -> Searched:
    """The largest gallery that as many ways searched as any."""
    galleries = _galleries(part.measured.figures)
    people = max(galleries, key=lambda people: (len(galleries[people]), people))
    return people, galleries[people]


def found_title(searched: Searched) -> str:
    return f"One search among {searched[0]:,} people"


def _galleries(figures: Iterable[Figure]) -> dict[int, Sequence[Way]]:
    times: dict[tuple[int, str], float] = {}
    galleries: defaultdict[int, list[Way]] = defaultdict(list)
    for figure in figures:
        if not (named := _FIGURE.fullmatch(figure.name)):
            continue
        people, way = _number(named["people"]), named["way"]
        if named["asked"] is None:
            times[people, way] = figure.median
        else:
            missed, asked = int(figure.median), _number(named["asked"])
            galleries[people].append(Way(way, times[people, way], missed, asked))
    return dict(galleries)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def draw_found(searched: Searched, say: Say, file: Path) -> None:
    _, ways = searched
    subtitle = f"{say('enrolled people found again, %')} · {say('more is better')}"
    with drawn(file, say(found_title(searched)), subtitle, _INCHES) as (_, axes):
        axes.set_xlabel(f"{say('milliseconds a search')} · {say('less is better')}")
        _draw_approximate(axes, [way for way in ways if way.is_approximate], say)
        _draw_exact(axes, [way for way in ways if not way.is_approximate], say)
        _scale(axes, min(way.milliseconds for way in ways))


def _draw_approximate(axes: Axes, ways: Sequence[Way], say: Say) -> None:
    """One index, searched with several settings: one line."""
    times, found = [way.milliseconds for way in ways], [way.found for way in ways]
    (line,) = axes.plot(times, found, color=PEERS, linestyle="--", marker="s")
    for way in ways:
        name = way.name if way is ways[0] else way.setting
        write(axes, (way.milliseconds, way.found), f"{name}: {_misses(way, say)}", line, (10, -9))


def _draw_exact(axes: Axes, ways: Sequence[Way], say: Say) -> None:
    """Who find everybody stand side by side: ours is told of to the left, the slowest to the right."""
    slowest = max(ways, key=lambda way: way.milliseconds)
    for way in ways:
        ours, at = way.name == OURSELVES, (way.milliseconds, way.found)
        look = {"color": OURS[0], "markersize": 13, "zorder": ABOVE} if ours else {"color": PEERS}
        (point,) = axes.plot(*at, marker="o", **look)
        lines = (f"{say(way.name)}: {shown(way.milliseconds)} ms", _misses(way, say))
        across, first, side = _LEFT if ours else _RIGHT if way is slowest else _OVER
        for number, text in enumerate(lines):
            write(axes, at, text, point, (across, first - number * _LINE), side)


def _misses(way: Way, say: Say) -> str:
    return say(f"misses {way.missed:,} of {way.asked:,}")


def _scale(axes: Axes, fastest: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(left=fastest / 1.4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, _ROOM_ABOVE)
    axes.set_yticks(range(0, 101, 20))
