"""In which order templates were written: positions, and how far they have come."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from service.domain.collection import Collection
from service.domain.errors import RecordTampered
from service.domain.search import WriteMark
from service.domain.search_row import mark_seal
from service.gallery.audit_head import PostgresAuditHead
from service.gallery.tables import collection_writes, templates

logger = logging.getLogger(__name__)

_MARKS = select(collection_writes)


class PostgresPositions:
    """Takes positions and gives them up, within one transaction.

    Both are written down at its end, by `settle`. Deletions are not even locked before: a transaction
    that deletes waits for rows that others hold, and must not hold the mark, for which those wait,
    meanwhile.
    """

    def __init__(self, connection: Connection, head: PostgresAuditHead) -> None:
        self._connection = connection
        self._head = head
        self._locked: dict[UUID, WriteMark] = {}
        self._given_up: Counter[UUID] = Counter()

    def begin(self, collection_id: UUID) -> None:
        """For a collection that is made just now."""
        mark = WriteMark(collection_id, uuid4(), 0, 0)
        self._connection.execute(insert(collection_writes).values(self._columns(mark)))

    def take(self, collection: Collection, number: int) -> range:
        """The next `number` positions; whoever else wants some waits until this transaction ends.
        Comes after everything in it that may have to wait. Raises `RecordTampered`.
        """
        mark = self._lock(collection.collection_id)
        last = mark.last_position + number
        self._locked[mark.collection_id] = replace(mark, last_position=last)
        return range(mark.last_position + 1, last + 1)

    def give_up(self, collection: Collection, number: int) -> None:
        """That many rows are not where they were."""
        self._given_up[collection.collection_id] += number

    def settle(self) -> None:
        """Writes down what was taken and given up. Collections in the same order, whoever it is."""
        for collection_id, number in sorted(self._given_up.items()):
            if number:
                mark = self._lock(collection_id)
                self._locked[collection_id] = replace(mark, deletions=mark.deletions + number)
        for mark in self._locked.values():
            self._write(mark)
        self._given_up.clear()
        self._locked.clear()

    def mark(self, collection: Collection) -> WriteMark:
        """With what this transaction has done so far. Raises `RecordTampered`."""
        query = _MARKS.where(collection_writes.c.collection_id == collection.collection_id)
        stored = self._proved(self._connection.execute(query).mappings().one_or_none())
        mark = self._locked.get(collection.collection_id, stored)
        given_up = self._given_up[collection.collection_id]
        return replace(mark, deletions=mark.deletions + given_up)

    def marks(self) -> list[WriteMark]:
        """Those of all collections, as they are stored."""
        return [_mark(row) for row in self._connection.execute(_MARKS).mappings()]

    def begin_epochs(self) -> None:
        """For rows that have come by another way than through here, as from a backup."""
        for row in self._connection.execute(_MARKS).mappings().all():
            self._write(replace(self._proved(row), epoch=uuid4()))

    def _lock(self, collection_id: UUID) -> WriteMark:
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
        rows = select(func.count(), func.coalesce(func.max(templates.c.position), 0))
        counted = self._connection.execute(rows.where(templates.c.collection_id == its_id)).one()
        number, last = counted
        with suppress(RecordTampered):
            if self.mark(collection).rows == number:
                return
        self._connection.execute(
            delete(collection_writes).where(collection_writes.c.collection_id == its_id)
        )
        mark = WriteMark(its_id, uuid4(), last, last - number)
        self._connection.execute(insert(collection_writes).values(self._columns(mark)))

    def _proved(self, row: RowMapping | None) -> WriteMark:
        if row is None:
            raise RecordTampered
        mark = _mark(row)
        if row["seal"] != mark_seal(mark, self._head.begun()):
            logger.error("record_tampered: write mark of collection %s", mark.collection_id)
            raise RecordTampered
        return mark

    def _write(self, mark: WriteMark) -> None:
        whose = collection_writes.c.collection_id == mark.collection_id
        self._connection.execute(update(collection_writes).where(whose).values(self._columns(mark)))

    def _columns(self, mark: WriteMark) -> dict[str, object]:
        return {
            "collection_id": mark.collection_id,
            "epoch": mark.epoch,
            "last_position": mark.last_position,
            "deletions": mark.deletions,
            "seal": mark_seal(mark, self._head.begun()),
        }


def _mark(row: RowMapping) -> WriteMark:
    return WriteMark(row["collection_id"], row["epoch"], row["last_position"], row["deletions"])
