"""A made-up gallery is one that the service can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scripts.bench.databases import Databases, connected
from scripts.bench.loading import SyntheticGallery, subject_id
from scripts.bench.mates import mates_among
from scripts.bench.search import MODEL, synthetic_gallery
from scripts.bench.setup import Setup
from scripts.bench.strategies.exact_scan import ExactScan
from scripts.bench.strategies.in_memory import InMemory, NothingHeld
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from tests.postgres import TestServer

PEOPLE = 50


@pytest.fixture(scope="module")
def grown(postgres_server: TestServer) -> Iterator[SyntheticGallery]:
    """Of 30 people, then of 50."""
    databases = Databases(postgres_server.url.render_as_string(hide_password=False))
    with databases.fresh() as url:
        storage = synthetic_gallery(Setup(Path(), "mobile_s", Path(), databases), url, MODEL)
        storage.grow(0, 30)
        storage.grow(30, PEOPLE)
        yield storage


def test_every_template_opens_and_is_the_person_it_should_be(grown: SyntheticGallery) -> None:
    with grown.storage.transaction() as tx:
        people = UnlockedCollection.unlock(require_collection(tx, grown.name), grown.vault)
        for number, vector in enumerate(grown.population.people(0, PEOPLE)):
            (stored,) = tx.templates.of(people.collection, subject_id(number))
            assert np.array_equal(people.open(stored).total, vector)


def test_as_many_subjects_as_templates(grown: SyntheticGallery) -> None:
    with connected(grown.url) as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM subjects), (SELECT count(*) FROM templates)"
        ).fetchone()
    assert counted == (PEOPLE, PEOPLE)


def test_positions_are_counted_on_from_one_growth_to_the_next(grown: SyntheticGallery) -> None:
    with grown.storage.transaction() as tx:
        (mark,) = tx.templates.marks()
        positions = tx.templates.positions_up_to(mark.collection_id, PEOPLE)
    assert mark.last_row_sequence == PEOPLE
    assert list(positions) == list(range(1, PEOPLE + 1))


def test_the_collection_is_bound_to_the_model(grown: SyntheticGallery) -> None:
    with grown.storage.transaction() as tx:
        assert require_collection(tx, grown.name).model_id == MODEL


def test_a_search_that_would_fall_back_to_the_scan_is_not_measured(
    grown: SyntheticGallery,
) -> None:
    with pytest.raises(NothingHeld):
        InMemory(grown).search(grown.population.people(0, 1)[0])


@pytest.mark.parametrize("strategy", [ExactScan, InMemory])
def test_a_strategy_names_the_mate_first(
    grown: SyntheticGallery, strategy: type[ExactScan | InMemory]
) -> None:
    search = strategy(grown)
    search.build()
    for mate in mates_among(grown.population, PEOPLE, 5):
        first, *_ = search.search(mate.probe)
        assert first.subject_id == mate.subject_id
        assert first.similarity == pytest.approx(mate.cosine, abs=1e-6)
    search.close()
