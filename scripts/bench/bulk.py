"""People a second by `face bulk-enroll`, each checked for duplicates, from a file of embeddings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from scripts.bench.databases import connected
from scripts.bench.figures import Bar, Figure, Measured
from scripts.bench.galleries import Population
from scripts.bench.loading import SyntheticGallery, subject_id
from scripts.bench.rounds import interleaved, timed
from scripts.bench.search import synthetic_gallery
from scripts.bench.serving import Installation
from scripts.bench.setup import MILLION, Setup
from service.domain.callers import LOCAL_USER
from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.face import GivenEmbedding
from service.usecases.enrollment import EnrollRequest
from service.wiring import Wiring

FROM_EMPTY = Bar(of="value", bound="at least", limit=1_500)
INTO_A_MILLION = Bar(of="value", bound="at least", limit=100)
BULK, ONE_BY_ONE = "bulk", "the same enrolled one by one"


class NotAllEnrolled(Exception):
    """What was measured was not what should have been."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """`empty`: people in a file for an empty collection; `added`: for one of `enrolled` people;
    `single`, `slow`: enrolled one by one in each round, into the one and the other.
    """

    rounds: int
    empty: int
    enrolled: int
    added: int
    single: int
    slow: int


FULL = Sizes(rounds=3, empty=100_000, enrolled=MILLION, added=3_000, single=50, slow=15)
SMALL = Sizes(rounds=1, empty=30, enrolled=100, added=20, single=2, slow=2)


def measure(setup: Setup) -> Measured:
    """Everybody is enrolled: a gallery of a million has a few strangers above any threshold, who are
    flagged and not refused. The time is that of the whole command, its start included.
    """
    sizes = SMALL if setup.small else FULL
    return Measured(
        figures=(
            *_figures(f"0 to {sizes.empty:,} people", _from_empty(setup, sizes), FROM_EMPTY),
            *_figures(f"into {sizes.enrolled:,} people", _into_many(setup, sizes), INTO_A_MILLION),
        ),
        notes=(
            "Candidates are flagged, not refused. The start of the command counts.",
            "Processor time is that of the command, without the database's.",
        ),
    )


@dataclass(frozen=True, slots=True)
class Rounds:
    """`rates`: people a second. `processor`: milliseconds of it a person, in bulk."""

    rates: Mapping[str, tuple[float, ...]]
    processor: tuple[float, ...]


def _figures(what: str, rounds: Rounds, bar: Bar) -> Iterator[Figure]:
    yield Figure(
        name=f"bulk enrollment, {what}",
        unit="1/s",
        rounds=rounds.rates[BULK],
        peer=ONE_BY_ONE,
        peer_rounds=rounds.rates[ONE_BY_ONE],
        bar=bar,
    )
    yield Figure(
        name=f"bulk enrollment, {what}: processor time",
        unit="ms a person",
        rounds=rounds.processor,
    )


def _from_empty(setup: Setup, sizes: Sizes) -> Rounds:
    """Each time into another collection."""
    processor: list[float] = []

    def in_bulk() -> float:
        with _desk(setup) as desk:
            rate = desk.in_bulk(sizes.empty)
        processor.extend(desk.processor)
        return rate

    def one_by_one() -> float:
        with _desk(setup) as desk:
            return desk.one_by_one(sizes.single)

    rates = interleaved(sizes.rounds, {BULK: in_bulk, ONE_BY_ONE: one_by_one})
    return Rounds(rates, tuple(processor))


def _into_many(setup: Setup, sizes: Sizes) -> Rounds:
    with _desk(setup) as desk:
        desk.people.grow(0, sizes.enrolled)
        desk.enrolled = sizes.enrolled
        rates = interleaved(
            sizes.rounds,
            {
                BULK: partial(desk.in_bulk, sizes.added),
                ONE_BY_ONE: partial(desk.one_by_one, sizes.slow),
            },
        )
    return Rounds(rates, tuple(desk.processor))


@dataclass
class BulkRun:
    """`enrolled`: how many of the population are. `processor`: as in `Rounds`."""

    setup: Setup
    installation: Installation
    wiring: Wiring
    people: SyntheticGallery
    enrolled: int = 0
    processor: list[float] = field(default_factory=list)

    def in_bulk(self, number: int) -> float:
        """Enrolls the next `number` people; people a second. Raises `NotAllEnrolled`."""
        with tempfile.TemporaryDirectory(dir=self.setup.scratch) as folder:
            file = Path(folder) / "people.parquet"
            write_embeddings(file, self.people.population, self.enrolled, number)
            before = _of_children()
            seconds = timed(
                lambda: self.installation.face(
                    "bulk-enroll", str(file), "--collection", self.people.name
                )
            )
        self.processor.append(1_000 * (_of_children() - before) / number)
        self._expect(self.enrolled + number)
        return number / seconds

    def one_by_one(self, number: int) -> float:
        """As `in_bulk`, by as many single enrollments."""
        vectors = self.people.population.people(self.enrolled, number)
        requests = [
            EnrollRequest(
                subject_id(at), GivenEmbedding(vector.tolist()), self.people.name, LOCAL_USER
            )
            for at, vector in enumerate(vectors, self.enrolled)
        ]
        seconds = timed(lambda: [self.wiring.enroll(request) for request in requests])
        self._expect(self.enrolled + number)
        return number / seconds

    def _expect(self, enrolled: int) -> None:
        with connected(self.people.url) as connection:
            row = connection.execute("SELECT count(*) FROM templates").fetchone()
        if row != (enrolled,):
            raise NotAllEnrolled
        self.enrolled = enrolled


def _of_children() -> float:
    """Seconds of processor time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def _desk(setup: Setup) -> Iterator[BulkRun]:
    """An empty collection of the model in use, which flags duplicates."""
    with setup.databases.fresh() as url:
        installation = Installation(setup, url)
        wiring = installation.wiring
        people = synthetic_gallery(setup, url, wiring.engine.model.model_id)
        settings = CollectionSettings(duplicate_policy=DuplicatePolicy.FLAG)
        wiring.collections.put(people.name, settings, LOCAL_USER.name)
        yield BulkRun(setup, installation, wiring, people)


def write_embeddings(file: Path, population: Population, first: int, number: int) -> None:
    """A Parquet file with one row a person: `subjectId`, and `embedding` as a list of floats."""
    schema = pa.schema([("subjectId", pa.string()), ("embedding", pa.list_(pa.float32()))])
    with ParquetWriter(file, schema) as writer:
        for start, vectors in population.chunks(first, first + number):
            names = [subject_id(at) for at in range(start, start + len(vectors))]
            writer.write_table(pa.table([names, list(vectors)], schema=schema))
