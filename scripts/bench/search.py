"""The duplicate check, by the number of enrolled people, next to other ways to search them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import psutil

from scripts.bench.figures import Measured
from scripts.bench.galleries import Population
from scripts.bench.loading import SyntheticGallery
from scripts.bench.mates import Mate, mates_among
from scripts.bench.rounds import interleaved, timed
from scripts.bench.search_figures import Searched, figures_of
from scripts.bench.serving import Installation
from scripts.bench.setup import MILLION, Setup
from scripts.bench.strategies import Strategy
from scripts.bench.strategies.exact_scan import ExactScan
from scripts.bench.strategies.flat import BYTES_A_PERSON, FlatFaiss
from scripts.bench.strategies.hnsw import EF_SEARCH, Hnsw, HnswIndex
from scripts.bench.strategies.in_memory import InMemory
from service.domain.collection import DEFAULT_COLLECTION

MODEL = "synthetic@sha256:00"
"""Of embeddings that no model made."""

MATES_BY_LONG_SCAN = 10
"""How many mates the exact scan is asked for where each takes it seconds: beyond a million people."""

MEMORY_TO_USE = 0.8
"""Of what is free: a flat index that does not fit would measure the disk."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """`people`: and how many mates are looked for among them, at most. `probes`: searches by each
    strategy in each round.
    """

    people: Mapping[int, int]
    rounds: int
    probes: int


FULL = Sizes(people={10_000: 1_000, 100_000: 1_000, MILLION: 10_000}, rounds=7, probes=5)
TEN_MILLION = Sizes(people={MILLION: 1_000, 10 * MILLION: 1_000}, rounds=7, probes=5)
SMALL = Sizes(people={200: 20, 600: 20}, rounds=1, probes=2)


def measure(setup: Setup) -> Measured:
    searched, notes = _searched(setup, SMALL if setup.small else FULL)
    figures, curves = figures_of(searched)
    return Measured(figures=figures, curves=curves, notes=(*notes, *_conditions(setup)))


def measure_ten_million(setup: Setup) -> Measured:
    """The same with ten times the people, and none of the smaller gallery's own figures."""
    searched, notes = _searched(replace(setup, hnsw_up_to=0), SMALL if setup.small else TEN_MILLION)
    figures, _ = figures_of(searched)
    smaller = f"{min(one.people for one in searched):,} people, "
    return Measured(
        figures=tuple(figure for figure in figures if not figure.name.startswith(smaller)),
        notes=notes,
    )


def _searched(setup: Setup, sizes: Sizes) -> tuple[list[Searched], tuple[str, ...]]:
    """What was searched, and what is to be said of it."""
    notes: list[str] = []
    with setup.databases.fresh() as url:
        people = synthetic_gallery(setup, url, MODEL)
        return list(_all_sizes(setup, people, sizes, notes)), tuple(notes)


def synthetic_gallery(setup: Setup, url: str, model_id: str) -> SyntheticGallery:
    """The empty collection `default`, with a key and the model `model_id`."""
    wiring = Installation(setup, url).wiring
    wiring.prepare()
    people = SyntheticGallery(
        url, wiring.storage, wiring.vault, Population(), DEFAULT_COLLECTION, model_id
    )
    people.bind_model()
    return people


def _all_sizes(
    setup: Setup, people: SyntheticGallery, sizes: Sizes, notes: list[str]
) -> Iterator[Searched]:
    enrolled = 0
    for size, looked_for in sizes.people.items():
        seconds = timed(partial(people.grow, enrolled, size))
        notes.append(f"{size - enrolled:,} people were written in {seconds:.0f} s.")
        enrolled = size
        mates = mates_among(people.population, size, looked_for)
        yield from _one_size(_strategies(setup, people, size, notes), mates, sizes, size)


def _strategies(
    setup: Setup, people: SyntheticGallery, size: int, notes: list[str]
) -> list[Strategy]:
    """The first is the reference. What this machine cannot do at this size is left out, and said."""
    scan = ExactScan(people)
    if size > MILLION:
        scan = replace(scan, mates=MATES_BY_LONG_SCAN)
    chosen: list[Strategy] = [scan, InMemory(people)]
    if size <= setup.hnsw_up_to:
        index = HnswIndex(people)
        chosen += [Hnsw(index, ef_search, size) for ef_search in EF_SEARCH]
    else:
        notes.append(f"HNSW was not built for {size:,} people.")
    if size * BYTES_A_PERSON <= MEMORY_TO_USE * psutil.virtual_memory().available:
        chosen.append(FlatFaiss(people.population, size))
    else:
        notes.append(f"Flat FAISS of {size:,} people does not fit into the memory of this machine.")
    return chosen


def _one_size(
    strategies: Sequence[Strategy], mates: Sequence[Mate], sizes: Sizes, people: int
) -> list[Searched]:
    build_seconds = [strategy.build() for strategy in strategies]
    runs: dict[str, Callable[[], float]] = {
        strategy.name: partial(_milliseconds, strategy, mates[: sizes.probes])
        for strategy in strategies
    }
    interleaved(1, runs)  # the first round fills caches
    rounds = interleaved(sizes.rounds, runs)
    searched = [
        Searched(
            strategy=strategy.name,
            is_ours=strategy.is_ours,
            people=people,
            milliseconds=rounds[strategy.name],
            asked=tuple(mate.cosine for mate in mates[: strategy.mates]),
            missed=tuple(_missed(strategy, mates[: strategy.mates])),
            bytes_per_person=strategy.bytes_per_person(),
            build_seconds=seconds,
        )
        for strategy, seconds in zip(strategies, build_seconds, strict=True)
    ]
    for strategy in strategies:
        strategy.close()
    return searched


def _milliseconds(strategy: Strategy, mates: Sequence[Mate]) -> float:
    """The median of one search."""
    return 1_000 * median(timed(partial(strategy.search, mate.probe)) for mate in mates)


def _missed(strategy: Strategy, mates: Sequence[Mate]) -> Iterator[float]:
    """The cosines of those who should have been named and were not."""
    for mate in mates:
        if mate.is_missed_by(strategy.search(mate.probe)):
            yield mate.cosine


def _conditions(setup: Setup) -> Iterator[str]:
    yield (
        "Mates have cosines of 0.40 to 0.60 with their probes, evenly; one is missed where it "
        "belongs among the ten most similar from 0.40 on and is not named."
    )
    yield (
        "HNSW: halfvec_ip_ops, m = 16, ef_construction = 64; its answers are not opened. Flat "
        "FAISS: IndexFlatIP on all cores."
    )
    settings = ", ".join(f"{name} = {value}" for name, value in setup.databases.settings.items())
    yield f"PostgreSQL: {settings or 'as the server given is set up'}."
