"""A gallery of made-up people in a real database, as the service would have written it, but fast.

Every row is sealed under the collection's key and rotated into its search space by the service's own
code. Only the writing is another: PostgreSQL's binary COPY, from arrays, a chunk at a time; foreign
keys are not checked, since every row's subject is written right before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import psycopg
from psycopg import sql

from scripts.bench.binary_copy import (
    Column,
    copied,
    fixed_bytes,
    halfvecs,
    integers,
    repeated,
    timestamp,
)
from scripts.bench.databases import connected
from scripts.bench.galleries import Population, Vectors
from service.domain.collection import Collection, StoredTemplate
from service.domain.ports import Gallery, Vault
from service.domain.search import Positions
from service.usecases.people import OpenCollection, lock_collection, require_collection

ENROLLED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def subject_id(number: int) -> str:
    """All of one length: rows in COPY's format are then of one length as well."""
    return f"p{number:09d}"


@dataclass(frozen=True, slots=True)
class SyntheticGallery:
    """The people of `population`, in the collection `name` of the database at `url`."""

    url: str
    gallery: Gallery
    vault: Vault
    population: Population
    name: str
    model_id: str

    def bind_model(self) -> None:
        """As the first enrollment does."""
        with self.gallery.transaction() as tx:
            collection = lock_collection(tx, self.name)
            tx.collections.update(replace(collection, model_id=self.model_id))

    def grow(self, first: int, last: int) -> None:
        """Adds the people numbered `first` to `last - 1`; `first`: how many there are already.

        Vectors are drawn and sealed for the next chunk while PostgreSQL writes this one.
        """
        people = self._opened()
        with connected(self.url) as connection, ThreadPoolExecutor(1) as ahead:
            connection.execute("SET session_replication_role = replica")
            chunks = self.population.chunks(first, last)
            waiting = ahead.submit(self._next, people, chunks)
            while (templates := waiting.result()) is not None:
                waiting = ahead.submit(self._next, people, chunks)
                _write(connection, people.collection, templates)
            connection.execute("VACUUM ANALYZE subjects, templates")

    def _opened(self) -> OpenCollection:
        with self.gallery.transaction() as tx:
            collection = require_collection(tx, self.name)
            return OpenCollection.unlock(collection, self.vault)

    def _next(
        self, people: OpenCollection, chunks: Iterator[tuple[int, Vectors]]
    ) -> list[StoredTemplate] | None:
        first, vectors = next(chunks, (0, None))
        if vectors is None:
            return None
        return [
            people.seal(subject_id(number), self.model_id, vector, ENROLLED_AT)
            for number, vector in enumerate(vectors, first)
        ]


def _write(
    connection: psycopg.Connection, collection: Collection, templates: list[StoredTemplate]
) -> None:
    with connection.transaction():
        _copy(connection, "subjects", subject_columns(collection, templates))
        positions = _take_positions(connection, collection, len(templates))
        _copy(connection, "templates", template_columns(collection, templates, positions))


def _take_positions(
    connection: psycopg.Connection, collection: Collection, number: int
) -> Positions:
    """The next `number` of the collection, as every writer of templates takes them."""
    row = connection.execute(
        "UPDATE collection_writes SET last_position = last_position + %s"
        " WHERE collection_id = %s RETURNING last_position",
        [number, collection.collection_id],
    ).fetchone()
    last = int(row[0]) if row else 0
    return np.arange(last - number + 1, last + 1)


def subject_columns(collection: Collection, rows: list[StoredTemplate]) -> list[Column]:
    """Those of `subjects` that are not NULL."""
    return [
        Column("collection_id", repeated(collection.collection_id.bytes, len(rows))),
        Column("subject_id", fixed_bytes([row.subject_id.encode() for row in rows])),
        Column("enrolled_at", repeated(timestamp(ENROLLED_AT), len(rows))),
    ]


def template_columns(
    collection: Collection, rows: list[StoredTemplate], positions: Positions
) -> list[Column]:
    """Those of `templates`, one line each."""
    return [
        Column("collection_id", repeated(collection.collection_id.bytes, len(rows))),
        Column("subject_id", fixed_bytes([row.subject_id.encode() for row in rows])),
        Column("template_id", fixed_bytes([row.template_id.bytes for row in rows])),
        Column("model_id", fixed_bytes([row.model_id.encode() for row in rows])),
        Column("sealed", fixed_bytes([row.sealed for row in rows])),
        Column("search", halfvecs([row.search.values for row in rows])),
        Column("created_at", repeated(timestamp(ENROLLED_AT), len(rows))),
        Column("key_id", fixed_bytes([row.key_id.bytes for row in rows])),
        Column("position", integers(positions)),
    ]


def _copy(connection: psycopg.Connection, table: str, columns: list[Column]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)")
    with connection.cursor().copy(statement.format(sql.Identifier(table), names)) as copy:
        copy.write(copied(columns))
