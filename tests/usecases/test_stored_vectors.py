"""What somebody who steals the tables does not get."""

from __future__ import annotations

import json

import numpy as np
import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.face import Embedding
from service.domain.template import average
from service.usecases.enrollment import Mode
from tests.domain.vectors import face_of
from tests.usecases.service_process import Service, Tables
from tests.usecases.stand_ins import embedding_of_photo, given

UNRELATED = 0.3
"""Random directions in 512 dimensions have cosines of about 0.044 (1 / sqrt 512): 7 deviations."""

PHOTOS = {"kim": "kim:1", "lee": "lee:1", "park": "park:1"}


@pytest.fixture
def embeddings(service: Service) -> list[Embedding]:
    """Everything that was ever enrolled or asked about."""
    for name, photo in PHOTOS.items():
        service.enroll(name, photo, metadata={"of": name}, idempotency_key=name)
    service.enroll("kim", "kim:2", mode=Mode.ADD)
    service.enroll("choi", given(face_of("choi")), idempotency_key="choi")
    service.verify("kim", "kim:3")
    return [embedding_of_photo(photo) for photo in [*PHOTOS.values(), "kim:2", "kim:3", "choi"]]


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def test_no_row_of_any_table_holds_an_embedding(
    tables: Tables, embeddings: list[Embedding]
) -> None:
    content = tables.content()
    stored = b"\0".join(
        _as_bytes(value) for rows in content.values() for row in rows for value in row.values()
    )
    assert len(content["templates"]) == len(PHOTOS) + 1
    for embedding in embeddings:
        for number_format in ("<f4", ">f4", "<f2", ">f2", "<f8"):
            numbers = embedding.astype(number_format)
            assert numbers.tobytes() not in stored
            assert numbers[:4].tobytes() not in stored


def test_search_vectors_are_unrelated_to_every_embedding(
    tables: Tables, embeddings: list[Embedding]
) -> None:
    rows = tables.rows("SELECT search::vector::text AS search FROM templates")
    search = np.array([json.loads(row["search"]) for row in rows])
    cosines = search @ np.stack(embeddings).astype(np.float64).T
    assert np.abs(cosines).max() < UNRELATED


def test_search_vectors_keep_the_cosines_among_themselves(
    tables: Tables, embeddings: list[Embedding]
) -> None:
    (row,) = tables.rows(
        "SELECT -(kim.search <#> lee.search) AS cosine FROM templates kim, templates lee"
        " WHERE kim.subject_id = 'kim' AND lee.subject_id = 'lee'"
    )
    kim = average([embedding_of_photo("kim:1"), embedding_of_photo("kim:2")])
    expected = float(kim @ embedding_of_photo("lee:1"))
    assert row["cosine"] == pytest.approx(expected, abs=0.001)


def test_one_embedding_enrolled_twice_is_sealed_differently(
    service: Service, tables: Tables
) -> None:
    for name in ("kim", "kim2"):
        service.enroll(name, "kim:1", on_duplicate=DuplicatePolicy.ALLOW)
    first, second = tables.rows("SELECT sealed FROM templates")
    assert first["sealed"] != second["sealed"]


def test_tables_do_not_hold_the_collections_key_in_the_clear(
    service: Service, tables: Tables
) -> None:
    (row,) = tables.rows("SELECT * FROM collection_keys")
    key = service.collections.show("default").collection.keys.active
    assert (row["key_id"], row["wrapped"]) == (key.key_id, key.wrapped)
    assert len(row["wrapped"]) > 32
