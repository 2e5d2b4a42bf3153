"""Search vectors by the hundred thousand, put together by the server and read as arrays.

A row's numbers are joined to those of the next ones before they are sent: 2,048 rows come as one
value of 2 MB. Row by row, as a copy sends them, taking them over costs 3 to 7 µs each here, and now
0.3; the server takes about 2 µs either way. Layouts: `int8send`, `uuid_send` of PostgreSQL and
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
from service.gallery.citus import SEARCH_MEMORY, require_one_server
from service.gallery.connecting import driver_of

ROWS_AT_A_TIME = 2_048
"""Joined into one value: twice as many take the server and the driver twice as long a row, since
they do not stay in the processor's cache."""

_ROW = np.dtype(
    [
        ("position", ">i8"),
        ("key", "V16"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("vector", ">f2", (EMBEDDING_SIZE,)),
    ]
)

_ROWS = sql.SQL(
    "SELECT string_agg(int8send(position) || uuid_send(key_id) || halfvec_send(search), ''::bytea"
    " ORDER BY position) FROM (SELECT position, key_id, search FROM templates"
    " WHERE collection_id = {collection} AND {rows} ORDER BY position LIMIT {limit}) AS read"
)

_HEADER_BYTES = 19
"""Signature, flags, and the length of an extension that nobody uses."""

_TRAILER_BYTES = 2

_POSITIONS = np.dtype([("fields", ">i2"), ("position_bytes", ">i4"), ("position", ">i8")])

_COPY_POSITIONS = sql.SQL(
    "COPY (SELECT position FROM templates WHERE collection_id = {collection}"
    " AND position <= {up_to} ORDER BY position) TO STDOUT (FORMAT BINARY)"
)


def written_between(
    connection: Connection, collection_id: UUID, after: int, up_to: int, limit: int
) -> list[WrittenRows]:
    """The first `limit` rows after a position, up to another one; each under one key.

    For the search memory, which takes a position that it has read past for one that never gets
    another row. Not so on Citus, where a worker commits after the coordinator has counted. Raises
    `DatabaseDistributed`.

    They are read in several statements. A row that is written anew meanwhile is found at neither
    place, if its new one is beyond `up_to`, as after any statement.
    """
    require_one_server(connection, *SEARCH_MEMORY)
    found: list[WrittenRows] = []
    while limit > 0:
        rows = sql.SQL("position > {} AND position <= {}").format(after, up_to)
        read = _read(connection, collection_id, rows, min(limit, ROWS_AT_A_TIME))
        found += _by_key(read)
        if len(read) < ROWS_AT_A_TIME:
            break
        limit, after = limit - len(read), int(read["position"][-1])
    return found


def written_at(
    connection: Connection, collection_id: UUID, positions: Positions
) -> list[WrittenRows]:
    """The rows at these positions, where there still are any; each under one key."""
    found: list[WrittenRows] = []
    for start in range(0, len(positions), ROWS_AT_A_TIME):
        some = positions[start : start + ROWS_AT_A_TIME].tolist()
        rows = sql.SQL("position = ANY({})").format(some)
        found += _by_key(_read(connection, collection_id, rows, len(some)))
    return found


def positions_up_to(connection: Connection, collection_id: UUID, up_to: int) -> Positions:
    """Those at which there is a row. Raises psycopg's errors."""
    statement = _COPY_POSITIONS.format(collection=collection_id, up_to=up_to)
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        content = b"".join(copy)
    rows = np.frombuffer(content[_HEADER_BYTES:-_TRAILER_BYTES], dtype=_POSITIONS)
    return rows["position"].astype(np.int64)


def _read(
    connection: Connection, collection_id: UUID, rows: sql.Composable, limit: int
) -> NDArray[Any]:
    """By position. Raises psycopg's errors."""
    statement = _ROWS.format(collection=collection_id, rows=rows, limit=limit)
    with driver_of(connection).cursor(binary=True) as cursor:
        [joined] = cursor.execute(statement).fetchone() or [None]
    return np.frombuffer(joined or b"", dtype=_ROW)


def _by_key(rows: NDArray[Any]) -> Iterator[WrittenRows]:
    """There are few keys: one, or two during a rotation."""
    while len(rows):
        same = rows["key"] == rows["key"][0]
        those = rows if same.all() else rows[same]
        yield WrittenRows(
            UUID(bytes=those["key"][0].tobytes()),
            those["position"].astype(np.int64),
            those["vector"].astype(np.float32),
        )
        rows = rows[~same]
