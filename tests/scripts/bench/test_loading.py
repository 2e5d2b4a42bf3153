"""A gallery written by COPY is one that the service can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Table

from scripts.bench.binary_copy import Column, copied, fixed_bytes, integers, timestamp
from scripts.bench.databases import Databases, connected
from scripts.bench.galleries import Population
from scripts.bench.loading import (
    SyntheticGallery,
    subject_columns,
    subject_id,
    template_columns,
)
from scripts.bench.mates import mates_among
from scripts.bench.search import MODEL, synthetic_gallery
from scripts.bench.setup import Setup
from scripts.bench.strategies.exact_scan import ExactScan
from scripts.bench.strategies.in_memory import InMemory, NothingHeld
from service.gallery.tables import subjects, templates
from service.usecases.people import OpenCollection, require_collection
from tests.postgres import TestServer

PEOPLE = 50


@pytest.fixture(scope="module")
def grown(postgres_server: TestServer) -> Iterator[SyntheticGallery]:
    """Of 30 people, then of 50."""
    databases = Databases(postgres_server.url.render_as_string(hide_password=False))
    with databases.fresh() as url:
        gallery = synthetic_gallery(Setup(Path(), "mobile_s", Path(), databases), url, MODEL)
        gallery.grow(0, 30)
        gallery.grow(30, PEOPLE)
        yield gallery


def test_every_template_opens_and_is_the_person_it_should_be(grown: SyntheticGallery) -> None:
    with grown.gallery.transaction() as tx:
        people = OpenCollection.unlock(require_collection(tx, grown.name), grown.vault)
        for number, vector in enumerate(grown.population.people(0, PEOPLE)):
            (stored,) = tx.templates.of(people.collection, subject_id(number))
            assert np.array_equal(people.open(stored).embedding, vector)


def test_as_many_subjects_as_templates(grown: SyntheticGallery) -> None:
    with connected(grown.url) as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM subjects), (SELECT count(*) FROM templates)"
        ).fetchone()
    assert counted == (PEOPLE, PEOPLE)


def test_positions_are_counted_on_from_one_growth_to_the_next(grown: SyntheticGallery) -> None:
    with grown.gallery.transaction() as tx:
        (mark,) = tx.templates.marks()
        positions = tx.templates.positions_up_to(mark.collection_id, PEOPLE)
    assert mark.last_position == PEOPLE
    assert list(positions) == list(range(1, PEOPLE + 1))


def test_the_collection_is_bound_to_the_model(grown: SyntheticGallery) -> None:
    with grown.gallery.transaction() as tx:
        assert require_collection(tx, grown.name).model_id == MODEL


@pytest.mark.parametrize("table", [subjects, templates], ids=lambda table: table.name)
def test_every_column_that_must_not_be_null_is_written(
    grown: SyntheticGallery, table: Table
) -> None:
    with grown.gallery.transaction() as tx:
        people = OpenCollection.unlock(require_collection(tx, grown.name), grown.vault)
    row = people.seal("p1", MODEL, Population().people(0, 1)[0], datetime.now(UTC))
    made = {
        "subjects": subject_columns(people.collection, [row]),
        "templates": template_columns(people.collection, [row], np.array([1])),
    }
    written = {column.name for column in made[table.name]}
    assert {column.name for column in table.columns if not column.nullable} <= written


def test_what_is_copied_comes_back(postgres_server: TestServer) -> None:
    moment = datetime(1999, 12, 31, 23, 59, 59, 5, tzinfo=UTC)
    columns = [
        Column("name", fixed_bytes([b"anna", b"bert"])),
        Column("number", integers(np.array([-1, 2**40]))),
        Column("at", fixed_bytes([timestamp(moment)] * 2)),
    ]
    with connected(postgres_server.url.render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE TEMP TABLE t (name text, number bigint, at timestamptz)")
        with connection.cursor().copy("COPY t FROM STDIN (FORMAT binary)") as copy:
            copy.write(copied(columns))
        rows = connection.execute("SELECT * FROM t ORDER BY name").fetchall()
    assert rows == [("anna", -1, moment), ("bert", 2**40, moment)]


def test_rows_of_several_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        fixed_bytes([b"anna", b"al"])


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
