"""What searching galleries of several sizes amounts to, as figures and curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TypeAlias

import numpy as np

from scripts.bench.figures import Bar, Curve, Figure
from scripts.bench.mates import HIGHEST, LOWEST
from scripts.bench.setup import MILLION

FASTER = Bar(of="ratio", bound="at most", limit=0.10)
NOBODY = Bar(of="value", bound="at most", limit=0)
COMPACT = Bar(of="value", bound="at most", limit=200)
LINEAR = Bar(of="ratio", bound="at most", limit=11)

COSINE_BINS = 5

Points: TypeAlias = tuple[tuple[float, float], ...]
Lines: TypeAlias = dict[str, Points]


@dataclass(frozen=True, slots=True)
class Searched:
    """One strategy in a gallery of one size. `asked` and `missed`: cosines of mates."""

    strategy: str
    is_ours: bool
    people: int
    milliseconds: tuple[float, ...]
    asked: tuple[float, ...]
    missed: tuple[float, ...]
    bytes_per_person: float
    build_seconds: float

    @property
    def at_the_bar(self) -> bool:
        return self.is_ours and self.people == MILLION


def figures_of(searched: Sequence[Searched]) -> tuple[tuple[Figure, ...], tuple[Curve, ...]]:
    """The first of each size is the reference, to which the others of that size are compared."""
    sizes = sorted({one.people for one in searched})
    figures: list[Figure] = []
    for size in sizes:
        reference, *others = (one for one in searched if one.people == size)
        figures += _alone(reference)
        for one in others:
            figures += [_time(one, reference), *_alone(one, with_time=False)]
    for smaller, larger in pairwise(sizes):
        figures += _growth(searched, smaller, larger)
    return tuple(figures), _curves(searched, _most_compared(searched))


def _most_compared(searched: Sequence[Searched]) -> int:
    """The largest gallery in which as many strategies took part as in any."""
    strategies = Counter(one.people for one in searched)
    return max(strategies, key=lambda people: (strategies[people], people))


def _alone(one: Searched, *, with_time: bool = True) -> list[Figure]:
    where = f"{one.people:,} people, {one.strategy}"
    figures = [
        Figure(
            name=f"{where}: missed of {len(one.asked):,} mates",
            unit="mates",
            rounds=(len(one.missed),),
            bar=NOBODY if one.at_the_bar else None,
        ),
        Figure(
            name=f"{where}: memory",
            unit="bytes a person",
            rounds=(one.bytes_per_person,),
            bar=COMPACT if one.at_the_bar else None,
        ),
        Figure(name=f"{where}: build", unit="s", rounds=(one.build_seconds,)),
    ]
    if with_time:
        figures.insert(0, Figure(name=f"{where}: search", unit="ms", rounds=one.milliseconds))
    return figures


def _time(one: Searched, reference: Searched) -> Figure:
    return Figure(
        name=f"{one.people:,} people, {one.strategy}: search",
        unit="ms",
        rounds=one.milliseconds,
        peer=reference.strategy,
        peer_rounds=reference.milliseconds,
        bar=FASTER if one.at_the_bar else None,
    )


def _growth(searched: Sequence[Searched], smaller: int, larger: int) -> list[Figure]:
    before = {one.strategy: one for one in searched if one.people == smaller}
    return [
        Figure(
            name=f"{one.strategy}: search, {smaller:,} to {larger:,} people",
            unit="ms",
            rounds=one.milliseconds,
            peer=f"itself with {smaller:,}",
            peer_rounds=before[one.strategy].milliseconds,
            bar=LINEAR if one.is_ours and smaller == MILLION else None,
        )
        for one in searched
        if one.people == larger and one.strategy in before
    ]


def _curves(searched: Sequence[Searched], compared: int) -> tuple[Curve, ...]:
    ours = tuple(dict.fromkeys(one.strategy for one in searched if one.is_ours))

    def by_size(name: str, title: str, y: str, of: Callable[[Searched], float]) -> Curve:
        lines = {
            strategy: tuple(
                (float(one.people), of(one)) for one in searched if one.strategy == strategy
            )
            for strategy in dict.fromkeys(one.strategy for one in searched)
        }
        kept = {name: points for name, points in lines.items() if any(y for _, y in points)}
        return Curve(
            name=name,
            title=title,
            x="people enrolled",
            y=y,
            better="less",
            lines=_without_settings(kept),
            ours=ours,
            log_x=True,
            log_y=True,
        )

    return (
        by_size(
            "search-time",
            "Duplicate check, by people enrolled",
            "milliseconds a search",
            lambda one: median(one.milliseconds),
        ),
        by_size(
            "search-memory",
            "Memory beyond the database's rows",
            "bytes a person",
            lambda one: one.bytes_per_person,
        ),
        by_size(
            "search-build",
            "Making ready to search",
            "seconds",
            lambda one: one.build_seconds,
        ),
        Curve(
            name="search-recall",
            title=f"Mates found among {compared:,} people",
            x="cosine of probe and mate",
            y="mates found, %",
            better="more",
            lines={one.strategy: _recall(one) for one in searched if one.people == compared},
            ours=ours,
        ),
    )


def _without_settings(lines: Lines) -> Lines:
    """One line for all that a setting makes no difference to: an index is as large however it is
    searched.
    """
    names: dict[Points, list[str]] = {}
    for name, points in lines.items():
        names.setdefault(points, []).append(name)
    return {
        same[0] if len(same) == 1 else same[0].rpartition(", ")[0]: points
        for points, same in names.items()
    }


def _recall(one: Searched) -> tuple[tuple[float, float], ...]:
    """Percent by cosine, in bins that have mates in them."""
    edges = np.linspace(LOWEST, HIGHEST, COSINE_BINS + 1)
    asked, _ = np.histogram(one.asked, edges)
    missed, _ = np.histogram(one.missed, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    return tuple(
        (float(middle), float(100 * (1 - lost / number)))
        for middle, number, lost in zip(middles, asked, missed, strict=True)
        if number
    )
