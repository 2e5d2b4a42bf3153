"""The order in which templates are written, and their search vectors as arrays.

`RowSequence` gives every row its number in that order, 1, 2, 3, …, and tells how far it has come. With
it the search memory knows what it has not read yet.

`SearchRows` reads search vectors by the hundred thousand, put together by the server: a row's numbers
are joined to those of the next ones before they are sent, so that 2,048 rows come as one value of 2 MB.
Row by row, as a copy sends them, taking them over costs 3 to 7 µs each here, and now 0.3; the server
takes about 2 µs either way. Layouts: `int8send`, `uuid_send` of PostgreSQL and `halfvec_send` of
pgvector.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, insert, select, update

from service.domain.collection import Collection, StoredTemplate
from service.domain.errors import CollectionNotFound, RecordTampered
from service.domain.face import EMBEDDING_SIZE
from service.domain.search import (
    HALVES,
    TAG_BYTES,
    Positions,
    TagKey,
    WriteWatermark,
    WrittenRows,
    mark_seal,
    tag_key,
    tag_of,
    tagged,
)
from service.storage.audit_head import AuditHeadRow
from service.storage.engine import require_one_server
from service.storage.queries import driver_of
from service.storage.suitability import SEARCH_MEMORY
from service.storage.tables import collection_writes, collections, templates

logger = logging.getLogger(__name__)

_MARKS = select(collection_writes)


class RowSequence:
    """Gives rows their numbers and takes them back, within one transaction.

    Both are written down at its end, by `settle`. Deletions are not even locked before: a transaction
    that deletes waits for rows that others hold, and must not hold the mark, for which those wait,
    meanwhile.
    """

    def __init__(self, connection: Connection, head: AuditHeadRow) -> None:
        self._connection = connection
        self._head = head
        self._locked: dict[UUID, WriteWatermark] = {}
        self._given_up: Counter[UUID] = Counter()

    def take(self, collection: Collection, number: int) -> range:
        """The next `number` positions; whoever else wants some waits until this transaction ends.
        Comes after everything in it that may have to wait. Raises `RecordTampered`.
        """
        mark = self._lock(collection.collection_id)
        last = mark.last_row_sequence + number
        self._locked[mark.collection_id] = replace(mark, last_row_sequence=last)
        return range(mark.last_row_sequence + 1, last + 1)

    def give_up(self, collection: Collection, number: int) -> None:
        """That many rows are not where they were."""
        self._given_up[collection.collection_id] += number

    def settle(self) -> None:
        """Writes down what was taken and given up. Collections in the same order, whoever it is."""
        for collection_id, number in sorted(self._given_up.items()):
            if number:
                mark = self._lock(collection_id)
                self._locked[collection_id] = replace(
                    mark, deleted_count=mark.deleted_count + number
                )
        for mark in self._locked.values():
            self._write(mark)
        self._given_up.clear()
        self._locked.clear()

    def mark(self, collection: Collection) -> WriteWatermark:
        """With what this transaction has done so far. Raises `RecordTampered`; `CollectionNotFound`
        where the collection was deleted since it was found.
        """
        query = _MARKS.where(collection_writes.c.collection_id == collection.collection_id)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None and not self._connection.scalar(_is_there(collection.collection_id)):
            raise CollectionNotFound
        stored = self._proved(row)
        mark = self._locked.get(collection.collection_id, stored)
        given_up = self._given_up[collection.collection_id]
        return replace(mark, deleted_count=mark.deleted_count + given_up)

    def marks(self) -> list[WriteWatermark]:
        """Those of all collections, as they are stored."""
        return [_mark(row) for row in self._connection.execute(_MARKS).mappings()]

    def begin_epochs(self) -> None:
        """For rows that have come by another way than through here, as from a backup."""
        for row in self._connection.execute(_MARKS).mappings().all():
            self._write(replace(self._proved(row), epoch=uuid4()))

    def _lock(self, collection_id: UUID) -> WriteWatermark:
        """Of a collection that is deleted in this transaction there is none."""
        if collection_id not in self._locked:
            query = _MARKS.where(collection_writes.c.collection_id == collection_id)
            row = self._connection.execute(query.with_for_update()).mappings().one_or_none()
            self._locked[collection_id] = self._proved(row)
        return self._locked[collection_id]

    def recount(self, collection: Collection) -> None:
        """Where the mark is not of the rows that are there: one that is, in an epoch of its own. For
        an operator who has looked at what was altered. Comes before all else in the transaction.
        """
        its_id = collection.collection_id
        rows = select(func.count(), func.coalesce(func.max(templates.c.row_sequence), 0))
        counted = self._connection.execute(rows.where(templates.c.collection_id == its_id)).one()
        number, last = counted
        with suppress(RecordTampered):
            if self.mark(collection).rows == number:
                return
        self._connection.execute(
            delete(collection_writes).where(collection_writes.c.collection_id == its_id)
        )
        mark = WriteWatermark(its_id, uuid4(), last, last - number)
        begin_row_sequence(self._connection, self._head, mark)

    def _proved(self, row: RowMapping | None) -> WriteWatermark:
        if row is None:
            raise RecordTampered
        mark = _mark(row)
        if row["seal"] != mark_seal(mark, self._head.begun()):
            logger.error("record_tampered: write mark of collection %s", mark.collection_id)
            raise RecordTampered
        return mark

    def _write(self, mark: WriteWatermark) -> None:
        whose = collection_writes.c.collection_id == mark.collection_id
        self._connection.execute(
            update(collection_writes).where(whose).values(_watermark_columns(mark, self._head))
        )


def _is_there(collection_id: UUID) -> Select[tuple[bool]]:
    return select(exists().where(collections.c.collection_id == collection_id))


def begin_row_sequence(connection: Connection, head: AuditHeadRow, mark: WriteWatermark) -> None:
    """For a collection that is made just now, or counted anew."""
    connection.execute(insert(collection_writes).values(_watermark_columns(mark, head)))


def _watermark_columns(mark: WriteWatermark, head: AuditHeadRow) -> dict[str, object]:
    return {
        "collection_id": mark.collection_id,
        "epoch": mark.epoch,
        "last_row_sequence": mark.last_row_sequence,
        "deleted_count": mark.deleted_count,
        "seal": mark_seal(mark, head.begun()),
    }


def _mark(row: RowMapping) -> WriteWatermark:
    return WriteWatermark(
        row["collection_id"], row["epoch"], row["last_row_sequence"], row["deleted_count"]
    )


FIRST = -(2**63)
"""Before every position that a row can be given, by whomever."""

ROWS_AT_A_TIME = 2_048
"""Joined into one value: twice as many take the server and the driver twice as long a row, since
they do not stay in the processor's cache."""

_ROW = np.dtype(
    [
        ("space", "V16"),
        ("template", "V16"),
        ("row_sequence", ">i8"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("vector", HALVES, (EMBEDDING_SIZE,)),
        ("tag", f"V{TAG_BYTES}"),
    ]
)
"""The tag is over all before it, as `search_row.tagged` makes it."""

_TAGGED_BYTES = _ROW.itemsize - TAG_BYTES

_ROWS = sql.SQL(
    "SELECT string_agg(uuid_send(space_id) || uuid_send(template_id) || int8send(row_sequence)"
    " || halfvec_send(search) || substr(tag || {no_tag}, 1, {tag_bytes}), ''::bytea"
    " ORDER BY row_sequence)"
    " FROM (SELECT space_id, template_id, row_sequence, search, tag FROM templates"
    " WHERE collection_id = {collection} AND {rows} ORDER BY row_sequence LIMIT {limit}) AS read"
)
"""Whatever somebody made of a tag, it is sent as long as one."""

_HEADER_BYTES = 19
"""Signature, flags, and the length of an extension that nobody uses."""

_TRAILER_BYTES = 2

_POSITIONS = np.dtype([("fields", ">i2"), ("row_sequence_bytes", ">i4"), ("row_sequence", ">i8")])

_COPY_POSITIONS = sql.SQL(
    "COPY (SELECT row_sequence FROM templates WHERE collection_id = {collection}"
    " AND row_sequence <= {up_to} ORDER BY row_sequence) TO STDOUT (FORMAT BINARY)"
)


class SearchRows:
    """Reads them, each held against its tag, and makes tags. Of one transaction.

    What reads raises `RecordTampered` for a row that is not as it was written, and psycopg's errors.
    """

    def __init__(self, connection: Connection, head: AuditHeadRow) -> None:
        self._connection = connection
        self._head = head
        self._tag_keys: dict[UUID, TagKey] = {}

    def tag(self, collection: Collection, row: StoredTemplate, position: int) -> bytes:
        content = tagged(row.space_id, row.template_id, position, row.search.values)
        return tag_of(self._tag_key(collection.collection_id), content)

    def between(self, collection_id: UUID, after: int, up_to: int, limit: int) -> list[WrittenRows]:
        """The first `limit` rows after a position, up to another one; each of one space.

        For the search memory, which takes a position that it has read past for one that never gets
        another row. Not so on Citus, where a worker commits after the coordinator has counted. Raises
        `DatabaseDistributed`.

        They are read in several statements. A row that is written anew meanwhile is found at neither
        place, if its new one is beyond `up_to`, as after any statement.
        """
        require_one_server(self._connection, *SEARCH_MEMORY)
        found: list[WrittenRows] = []
        while limit > 0:
            rows = sql.SQL("row_sequence > {} AND row_sequence <= {}").format(after, up_to)
            read = self._read(collection_id, rows, min(limit, ROWS_AT_A_TIME))
            found += _by_space(read)
            if len(read) < ROWS_AT_A_TIME:
                break
            limit, after = limit - len(read), int(read["row_sequence"][-1])
        return found

    def at(self, collection_id: UUID, positions: Positions) -> list[WrittenRows]:
        """The rows at these positions, where there still are any; each of one space."""
        found: list[WrittenRows] = []
        for start in range(0, len(positions), ROWS_AT_A_TIME):
            some = positions[start : start + ROWS_AT_A_TIME].tolist()
            rows = sql.SQL("row_sequence = ANY({})").format(some)
            found += _by_space(self._read(collection_id, rows, len(some)))
        return found

    def altered(self, collection_id: UUID) -> tuple[int, int]:
        """How many rows of a collection have not the tag that they should have, and how many there
        are. Rows that were given one position twice may be counted once.
        """
        altered, number, after = 0, 0, FIRST
        while True:
            rows = sql.SQL("row_sequence > {}").format(after)
            read = self._rows(collection_id, rows, ROWS_AT_A_TIME)
            altered += self._altered(collection_id, read)
            number += len(read)
            if len(read) < ROWS_AT_A_TIME:
                return altered, number
            after = int(read["row_sequence"][-1])

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
    return rows["row_sequence"].astype(np.int64)


def _by_space(rows: NDArray[Any]) -> Iterator[WrittenRows]:
    """There are few spaces: one, twice as many during a rotation and while another model comes."""
    while len(rows):
        same = rows["space"] == rows["space"][0]
        those = rows if same.all() else rows[same]
        yield WrittenRows(
            UUID(bytes=those["space"][0].tobytes()),
            those["row_sequence"].astype(np.int64),
            those["vector"].astype(np.float32),
        )
        rows = rows[~same]
