"""Search vectors by the hundred thousand, put together by the server and read as arrays.

A row's numbers are joined to those of the next ones before they are sent: 2,048 rows come as one
value of 2 MB. Row by row, as a copy sends them, taking them over costs 3 to 7 µs each here, and now
0.3; the server takes about 2 µs either way. Layouts: `int8send`, `uuid_send` of PostgreSQL and
`halfvec_send` of pgvector.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from service.domain.collection import Collection, StoredTemplate
from service.domain.errors import RecordTampered
from service.domain.face import EMBEDDING_SIZE
from service.domain.search import Positions, WrittenRows
from service.domain.search_row import HALVES, TAG_BYTES, TagKey, tag_key, tag_of, tagged
from service.gallery.audit_head import PostgresAuditHead
from service.gallery.citus import SEARCH_MEMORY, require_one_server
from service.gallery.connecting import driver_of

logger = logging.getLogger(__name__)

FIRST = -(2**63)
"""Before every position that a row can be given, by whomever."""

ROWS_AT_A_TIME = 2_048
"""Joined into one value: twice as many take the server and the driver twice as long a row, since
they do not stay in the processor's cache."""

_ROW = np.dtype(
    [
        ("key", "V16"),
        ("template", "V16"),
        ("position", ">i8"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("vector", HALVES, (EMBEDDING_SIZE,)),
        ("tag", f"V{TAG_BYTES}"),
    ]
)
"""The tag is over all before it, as `search_row.tagged` makes it."""

_TAGGED_BYTES = _ROW.itemsize - TAG_BYTES

_ROWS = sql.SQL(
    "SELECT string_agg(uuid_send(key_id) || uuid_send(template_id) || int8send(position)"
    " || halfvec_send(search) || substr(tag || {no_tag}, 1, {tag_bytes}), ''::bytea"
    " ORDER BY position)"
    " FROM (SELECT key_id, template_id, position, search, tag FROM templates"
    " WHERE collection_id = {collection} AND {rows} ORDER BY position LIMIT {limit}) AS read"
)
"""Whatever somebody made of a tag, it is sent as long as one."""

_HEADER_BYTES = 19
"""Signature, flags, and the length of an extension that nobody uses."""

_TRAILER_BYTES = 2

_POSITIONS = np.dtype([("fields", ">i2"), ("position_bytes", ">i4"), ("position", ">i8")])

_COPY_POSITIONS = sql.SQL(
    "COPY (SELECT position FROM templates WHERE collection_id = {collection}"
    " AND position <= {up_to} ORDER BY position) TO STDOUT (FORMAT BINARY)"
)


class PostgresSearchRows:
    """Reads them, each held against its tag, and makes tags. Of one transaction.

    What reads raises `RecordTampered` for a row that is not as it was written, and psycopg's errors.
    """

    def __init__(self, connection: Connection, head: PostgresAuditHead) -> None:
        self._connection = connection
        self._head = head
        self._tag_keys: dict[UUID, TagKey] = {}

    def tag(self, collection: Collection, row: StoredTemplate, position: int) -> bytes:
        content = tagged(row.key_id, row.template_id, position, row.search.values)
        return tag_of(self._tag_key(collection.collection_id), content)

    def between(self, collection_id: UUID, after: int, up_to: int, limit: int) -> list[WrittenRows]:
        """The first `limit` rows after a position, up to another one; each under one key.

        For the search memory, which takes a position that it has read past for one that never gets
        another row. Not so on Citus, where a worker commits after the coordinator has counted. Raises
        `DatabaseDistributed`.

        They are read in several statements. A row that is written anew meanwhile is found at neither
        place, if its new one is beyond `up_to`, as after any statement.
        """
        require_one_server(self._connection, *SEARCH_MEMORY)
        found: list[WrittenRows] = []
        while limit > 0:
            rows = sql.SQL("position > {} AND position <= {}").format(after, up_to)
            read = self._read(collection_id, rows, min(limit, ROWS_AT_A_TIME))
            found += _by_key(read)
            if len(read) < ROWS_AT_A_TIME:
                break
            limit, after = limit - len(read), int(read["position"][-1])
        return found

    def at(self, collection_id: UUID, positions: Positions) -> list[WrittenRows]:
        """The rows at these positions, where there still are any; each under one key."""
        found: list[WrittenRows] = []
        for start in range(0, len(positions), ROWS_AT_A_TIME):
            some = positions[start : start + ROWS_AT_A_TIME].tolist()
            rows = sql.SQL("position = ANY({})").format(some)
            found += _by_key(self._read(collection_id, rows, len(some)))
        return found

    def altered(self, collection_id: UUID) -> tuple[int, int]:
        """How many rows of a collection have not the tag that they should have, and how many there
        are. Rows that were given one position twice may be counted once.
        """
        altered, number, after = 0, 0, FIRST
        while True:
            rows = sql.SQL("position > {}").format(after)
            read = self._rows(collection_id, rows, ROWS_AT_A_TIME)
            altered += self._altered(collection_id, read)
            number += len(read)
            if len(read) < ROWS_AT_A_TIME:
                return altered, number
            after = int(read["position"][-1])

    def _read(self, collection_id: UUID, rows: sql.Composable, limit: int) -> NDArray[Any]:
        read = self._rows(collection_id, rows, limit)
        if altered := self._altered(collection_id, read):
            logger.error("record_tampered: %s rows of collection %s", altered, collection_id)
            raise RecordTampered
        return read

    def _rows(self, collection_id: UUID, rows: sql.Composable, limit: int) -> NDArray[Any]:
        """By position."""
        statement = _ROWS.format(
            collection=collection_id,
            rows=rows,
            limit=limit,
            no_tag=bytes(TAG_BYTES),
            tag_bytes=TAG_BYTES,
        )
        with driver_of(self._connection).cursor(binary=True) as cursor:
            [joined] = cursor.execute(statement).fetchone() or [None]
        return np.frombuffer(joined or b"", dtype=_ROW)

    def _altered(self, collection_id: UUID, rows: NDArray[Any]) -> int:
        if not len(rows):
            return 0
        key, content = self._tag_key(collection_id), memoryview(rows.tobytes())
        tags, size = rows["tag"].tolist(), _ROW.itemsize
        return sum(
            tag != tag_of(key, content[n * size : n * size + _TAGGED_BYTES])
            for n, tag in enumerate(tags)
        )

    def _tag_key(self, collection_id: UUID) -> TagKey:
        if collection_id not in self._tag_keys:
            self._tag_keys[collection_id] = tag_key(collection_id, self._head.begun())
        return self._tag_keys[collection_id]


def positions_up_to(connection: Connection, collection_id: UUID, up_to: int) -> Positions:
    """Those at which there is a row. Raises psycopg's errors."""
    statement = _COPY_POSITIONS.format(collection=collection_id, up_to=up_to)
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        content = b"".join(copy)
    rows = np.frombuffer(content[_HEADER_BYTES:-_TRAILER_BYTES], dtype=_POSITIONS)
    return rows["position"].astype(np.int64)


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
