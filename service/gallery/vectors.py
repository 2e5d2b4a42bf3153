"""Search vectors by the hundred thousand, read as PostgreSQL's binary copy.

Every row of such a copy has the same number of bytes, so that numpy reads them all at once: ten
times as fast as row by row. Layouts: https://www.postgresql.org/docs/current/sql-copy.html and
`halfvec_send` of pgvector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from service.domain.face import EMBEDDING_SIZE
from service.domain.search import Positions, WrittenRows
from service.gallery.connecting import driver_of

_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("position_bytes", ">i4"),
        ("position", ">i8"),
        ("key_bytes", ">i4"),
        ("key", "V16"),
        ("vector_bytes", ">i4"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("vector", ">f2", (EMBEDDING_SIZE,)),
    ]
)

_HEADER_BYTES = 19
"""Signature, flags, and the length of an extension that nobody uses."""

_TRAILER_BYTES = 2

_COPY = sql.SQL(
    "COPY (SELECT position, key_id, search FROM templates WHERE collection_id = {collection}"
    " AND {rows} ORDER BY position LIMIT {limit}) TO STDOUT (FORMAT BINARY)"
)

_POSITIONS = np.dtype([("fields", ">i2"), ("position_bytes", ">i4"), ("position", ">i8")])

_COPY_POSITIONS = sql.SQL(
    "COPY (SELECT position FROM templates WHERE collection_id = {collection}"
    " AND position <= {up_to} ORDER BY position) TO STDOUT (FORMAT BINARY)"
)


def written_between(
    connection: Connection, collection_id: UUID, after: int, up_to: int, limit: int
) -> list[WrittenRows]:
    """The first `limit` rows after a position, up to another one, by key."""
    rows = sql.SQL("position > {} AND position <= {}").format(after, up_to)
    return _copied(connection, collection_id, rows, limit)


def written_at(
    connection: Connection, collection_id: UUID, positions: Positions
) -> list[WrittenRows]:
    """The rows at these positions, where there still are any, by key."""
    rows = sql.SQL("position = ANY({})").format(positions.tolist())
    return _copied(connection, collection_id, rows, len(positions))


def positions_up_to(connection: Connection, collection_id: UUID, up_to: int) -> Positions:
    """Those at which there is a row."""
    statement = _COPY_POSITIONS.format(collection=collection_id, up_to=up_to)
    rows = _read(connection, statement, _POSITIONS)
    return rows["position"].astype(np.int64)


def _copied(
    connection: Connection, collection_id: UUID, rows: sql.Composable, limit: int
) -> list[WrittenRows]:
    statement = _COPY.format(collection=collection_id, rows=rows, limit=limit)
    return list(_by_key(_read(connection, statement, _ROW)))


def _read(connection: Connection, statement: sql.Composed, row: np.dtype[Any]) -> NDArray[Any]:
    """Raises psycopg's errors."""
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        content = b"".join(copy)
    return np.frombuffer(content[_HEADER_BYTES:-_TRAILER_BYTES], dtype=row)


def _by_key(rows: NDArray[Any]) -> Iterator[WrittenRows]:
    """There are few keys: one, or two during a rotation."""
    while len(rows):
        key = rows["key"][0]
        same = rows["key"] == key
        yield WrittenRows(
            UUID(bytes=key.tobytes()),
            rows["position"][same].astype(np.int64),
            rows["vector"][same].astype(np.float32),
        )
        rows = rows[~same]
