"""The search is exact: it finds what comparing with everybody finds."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from service.domain.collection import Collection, SearchVector
from service.domain.template import normalize
from service.storage.storage import Storage
from tests.storage.people import SPACE_ID, collection, subject, template, vectors

PEOPLE = 300


@pytest.fixture
def crowd(storage: Storage) -> tuple[Collection, list[SearchVector]]:
    """A collection of people, and their vectors in the order of their ids."""
    kept, them = collection(), vectors(PEOPLE, seed=1)
    with storage.transaction() as tx:
        tx.collections.add(kept)
        for i, vector in enumerate(them):
            tx.subjects.add(kept, subject(f"{i:03}"))
            tx.templates.add(kept, template(f"{i:03}", vector, UUID(int=i)))
    return kept, them


def _cosines(them: list[SearchVector], probe: SearchVector) -> NDArray[np.float64]:
    halves = np.stack([vector.values for vector in them]).astype(np.float16).astype(np.float64)
    return halves @ probe.values.astype(np.float16).astype(np.float64)


@pytest.mark.parametrize("probe", vectors(5, seed=2), ids=str)
def test_nearest_is_what_comparing_with_everybody_finds(
    storage: Storage, crowd: tuple[Collection, list[SearchVector]], probe: SearchVector
) -> None:
    kept, them = crowd
    expected = np.argsort(-_cosines(them, probe))[:20]
    with storage.transaction() as tx:
        found = tx.templates.nearest(kept, {SPACE_ID: probe}, -1.0, 20)
    assert [int(row.subject_id) for row in found] == expected.tolist()


def test_only_those_of_the_cosine_asked_for_are_found(
    storage: Storage, crowd: tuple[Collection, list[SearchVector]]
) -> None:
    kept, them = crowd
    probe = vectors(1, seed=3)[0]
    cosines = np.sort(_cosines(them, probe))
    between = float(cosines[-5:-3].mean())
    with storage.transaction() as tx:
        assert len(tx.templates.nearest(kept, {SPACE_ID: probe}, between, PEOPLE)) == 4


def test_each_person_is_found_by_a_similar_probe(
    storage: Storage, crowd: tuple[Collection, list[SearchVector]]
) -> None:
    """Cosine 0.4, where a graph index would find one in seven."""
    kept, them = crowd
    noise = vectors(PEOPLE, seed=4)
    with storage.transaction() as tx:
        for i in range(0, PEOPLE, 10):
            mate = normalize(0.4 * them[i].values + 0.917 * noise[i].values)
            (found,) = tx.templates.nearest(kept, {SPACE_ID: SearchVector(mate)}, 0.2, 1)
            assert int(found.subject_id) == i


def test_search_stays_in_its_collection(
    storage: Storage, crowd: tuple[Collection, list[SearchVector]]
) -> None:
    other = collection("other")
    with storage.transaction() as tx:
        tx.collections.add(other)
        assert tx.templates.nearest(other, {SPACE_ID: crowd[1][0]}, -1.0, PEOPLE) == []


def test_search_stays_exact_beside_a_vector_index(
    storage: Storage, crowd: tuple[Collection, list[SearchVector]]
) -> None:
    """An index that finds almost nothing (one link, one candidate) changes no answer."""
    kept, them = crowd
    probe = vectors(1, seed=5)[0]
    with storage.transaction() as tx:
        tx.connection.execute(
            text(
                "CREATE INDEX ON templates USING hnsw (search halfvec_ip_ops)"
                " WITH (m = 2, ef_construction = 4)"
            )
        )
        tx.connection.execute(text("SET LOCAL hnsw.ef_search = 1"))
        for other_way in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            tx.connection.execute(text(f"SET LOCAL {other_way} = off"))
        found = tx.templates.nearest(kept, {SPACE_ID: probe}, -1.0, 20)
    assert [int(row.subject_id) for row in found] == np.argsort(-_cosines(them, probe))[
        :20
    ].tolist()


def test_rows_hold_the_search_vector_and_not_the_sealed_one(storage: Storage) -> None:
    query = text(
        "SELECT attname, attstorage::text FROM pg_attribute"
        " WHERE attrelid = 'templates'::regclass AND attname IN ('sealed', 'search')"
    )
    with storage.transaction() as tx:
        kinds = {row.attname: row.attstorage for row in tx.connection.execute(query)}
    assert kinds == {"sealed": "e", "search": "p"}
