"""Photographs a second, from files to embeddings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from scripts.bench.default_size import at_default_size
from scripts.bench.embedders import Documented, Embedder, OnePerThread, ThisLibrary
from scripts.bench.figures import Bar, Curve, Figure, Measured
from scripts.bench.photographs import enlarged
from scripts.bench.rounds import interleaved, timed
from scripts.bench.setup import Setup

FASTER = Bar(of="ratio", bound="at least", limit=5.0)
FASTER_AT_DEFAULT_SIZE = Bar(of="ratio", bound="at least", limit=3.0)

LIBRARY, DOCUMENTED = "face", "FaceAnalysis, as its README shows"
SEPARATE = "one FaceAnalysis per thread"


@dataclass(frozen=True, slots=True)
class Sizes:
    """`passes`: how often a round goes through all photographs, so that its beginning and end count
    for little. `side`: pixels of the enlarged photographs, 3,464 being those of a phone with 12
    megapixels.
    """

    rounds: int
    passes: int
    warm_up: int
    callers: tuple[int, ...]
    people: int | None
    side: int


FULL = Sizes(rounds=5, passes=2, warm_up=1, callers=(1, 4, 8), people=None, side=3_464)
AT_DEFAULT_SIZE = replace(FULL, passes=1, callers=(4,))
"""More callers would wait for longer than the service lets anybody wait, and be refused."""
SMALL = Sizes(rounds=1, passes=1, warm_up=0, callers=(1,), people=1, side=300)


def measure(setup: Setup) -> Measured:
    sizes = SMALL if setup.small else FULL
    people = setup.people[: sizes.people]
    threads = sizes.callers[-1]
    ways: dict[str, Embedder] = {
        LIBRARY: ThisLibrary(setup, threads),
        DOCUMENTED: Documented(setup),
        SEPARATE: OnePerThread(setup, threads),
    }
    rates = _rates(ways, people, sizes)
    with tempfile.TemporaryDirectory(dir=setup.scratch) as folder:
        large = _rates(ways, enlarged(people, Path(folder), sizes.side), sizes)
    return Measured(
        figures=(
            *_figures("photographs of 150 pixels", rates, FASTER),
            *_figures(f"photographs of {sizes.side:,} pixels", large, None),
            *_figures("default-size pack", _rates_at_default_size(setup), FASTER_AT_DEFAULT_SIZE),
        ),
        curves=(_by_callers(setup, people, sizes),),
        notes=(
            f"{threads} threads call face, and {threads} have a FaceAnalysis each;"
            f" {AT_DEFAULT_SIZE.callers[-1]} call it with the default-size pack.",
        ),
    )


def _rates_at_default_size(setup: Setup) -> dict[str, tuple[float, ...]]:
    """Of the photographs as they are, by all but a `FaceAnalysis` per thread, which takes half a GiB each."""
    sizes = SMALL if setup.small else AT_DEFAULT_SIZE
    with at_default_size(setup) as large:
        ways: dict[str, Embedder] = {
            LIBRARY: ThisLibrary(large, sizes.callers[-1]),
            DOCUMENTED: Documented(large),
        }
        return _rates(ways, large.people[: sizes.people], sizes)


def _rates(
    ways: Mapping[str, Embedder], people: Sequence[Path], sizes: Sizes
) -> dict[str, tuple[float, ...]]:
    """Photographs a second by way, in each round, after `warm_up` rounds that do not count."""
    people = [*people] * sizes.passes
    photographs = sum(len(list(person.iterdir())) for person in people)
    runs = {
        name: lambda embed=embed: photographs / timed(lambda: embed(people))
        for name, embed in ways.items()
    }
    interleaved(sizes.warm_up, runs)
    return interleaved(sizes.rounds, runs)


def _figures(
    what: str, rates: Mapping[str, tuple[float, ...]], bar: Bar | None
) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            name=f"{what}, from files to embeddings",
            unit="1/s",
            rounds=rates[LIBRARY],
            peer=peer,
            peer_rounds=rates[peer],
            bar=bar if peer == DOCUMENTED else None,
        )
        for peer in rates
        if peer != LIBRARY
    )


def _by_callers(setup: Setup, people: Sequence[Path], sizes: Sizes) -> Curve:
    lines: dict[str, list[tuple[float, float]]] = {LIBRARY: [], SEPARATE: []}
    for callers in sizes.callers:
        ways: dict[str, Embedder] = {
            LIBRARY: ThisLibrary(setup, callers),
            SEPARATE: OnePerThread(setup, callers),
        }
        for name, rates in _rates(ways, people, sizes).items():
            lines[name].append((callers, median(rates)))
    return Curve(
        name="embedding",
        title="Photographs embedded, by calling threads",
        x="threads that call",
        y="photographs a second",
        better="more",
        lines={name: tuple(points) for name, points in lines.items()},
        ours=(LIBRARY,),
        log_x=True,
    )
