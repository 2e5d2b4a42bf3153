"""Everything that is sealed under one key, a batch at a time, on its way to another key.

A template row names its key. Other sealed values name it in their header: bytes 2 to 17 (see
`vault/cipher.py`).

Rows are looked up without a lock and then locked one by one, each by its whole key, since Citus locks
rows of one shard only. `FOR NO KEY UPDATE SKIP LOCKED`: a rotation waits for no row of a call. It
waits for positions alone, last of all, and whoever holds those waits for no row of anybody's: so it
can be part of no deadlock, and a call waits for one batch at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    RowMapping,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy import cast as sql_cast

from service.domain.collection import Collection, IdempotentResponse, StoredTemplate, Subject
from service.storage.idempotency import stored_response
from service.storage.tables import idempotent_responses, subjects, templates
from service.storage.template_rows import RowSequence, SearchRows
from service.storage.templates import stored_template

_TEMPLATE = ("subject_id", "model_id")
_SUBJECT = ("subject_id",)
_RESPONSE = ("subject_id", "caller", "key")


class SealedRows:
    """What is read is locked for this transaction; what others have locked is passed over."""

    def __init__(self, connection: Connection, row_sequence: RowSequence, rows: SearchRows) -> None:
        self._connection = connection
        self._row_sequence = row_sequence
        self._rows = rows

    def count(self, collection: Collection, key_id: UUID) -> int:
        """Rows of any kind that hold something sealed under this key."""
        counts = (
            select(func.count())
            .where(table.c.collection_id == collection.collection_id, _under(table, key_id))
            .scalar_subquery()
            for table in (templates, subjects, idempotent_responses)
        )
        return sum(self._connection.execute(select(*counts)).one())

    def templates(
        self, collection: Collection, key_id: UUID, after: StoredTemplate | None, limit: int
    ) -> list[StoredTemplate]:
        rows = self._batch(templates, _TEMPLATE, collection, key_id, after, limit)
        return [stored_template(row) for row in rows]

    def subjects(
        self, collection: Collection, key_id: UUID, after: Subject | None, limit: int
    ) -> list[Subject]:
        """Those of whom metadata or consent is sealed under this key, without their templates."""
        rows = self._batch(subjects, _SUBJECT, collection, key_id, after, limit)
        return [
            Subject(row["subject_id"], row["enrolled_at"], row["metadata"], consent=row["consent"])
            for row in rows
        ]

    def idempotent_responses(
        self, collection: Collection, key_id: UUID, after: IdempotentResponse | None, limit: int
    ) -> list[IdempotentResponse]:
        rows = self._batch(idempotent_responses, _RESPONSE, collection, key_id, after, limit)
        return [stored_response(row) for row in rows]

    def replace_templates(self, collection: Collection, moved: Sequence[StoredTemplate]) -> None:
        """At new positions: whoever holds the old vectors in memory is to read the new ones."""
        positions = self._row_sequence.take(collection, len(moved))
        self._row_sequence.give_up(collection, len(moved))
        changes = [
            {**_names(_TEMPLATE, row), "sealed": row.sealed, "search": row.search.values}
            | {"key_id": row.key_id, "space_id": row.space_id, "row_sequence": position}
            | {"tag": self._rows.tag(collection, row, position)}
            for row, position in zip(moved, positions, strict=True)
        ]
        columns = ("sealed", "search", "key_id", "space_id", "row_sequence", "tag")
        self._replace(templates, _TEMPLATE, columns, collection, changes)

    def replace_subjects(self, collection: Collection, moved: Sequence[Subject]) -> None:
        sealed = ("metadata", "consent")
        changes = [{**_names(_SUBJECT, row), **_names(sealed, row)} for row in moved]
        self._replace(subjects, _SUBJECT, sealed, collection, changes)

    def replace_idempotent_responses(
        self, collection: Collection, moved: Sequence[IdempotentResponse]
    ) -> None:
        changes = [{**_names(_RESPONSE, row), "sealed": row.sealed} for row in moved]
        self._replace(idempotent_responses, _RESPONSE, ("sealed",), collection, changes)

    def _batch(
        self,
        table: Table,
        order: Sequence[str],
        collection: Collection,
        key_id: UUID,
        after: object | None,
        limit: int,
    ) -> Sequence[Any]:
        """In the order of the primary key, so that a walk over the table reads each row once.

        Those that somebody else holds are left out, unless there are no others among the next
        `limit`: then the walk goes on behind them.
        """
        place = [table.c[name] for name in order]
        is_under = and_(table.c.collection_id == collection.collection_id, _under(table, key_id))
        walk = select(*place).where(is_under).order_by(*place).limit(limit)
        if after is not None:
            walk = walk.where(tuple_(*place) > tuple_(*(getattr(after, name) for name in order)))
        while found := self._connection.execute(walk).all():
            locked = [row for each in found if (row := self._lock(table, is_under, place, each))]
            if locked or len(found) < limit:
                return locked
            walk = walk.where(tuple_(*place) > tuple_(*found[-1]))
        return []

    def _lock(
        self,
        table: Table,
        is_under: ColumnElement[bool],
        place: Sequence[Column[Any]],
        found: Row[Any],
    ) -> RowMapping | None:
        """The row as it is now; None where somebody holds it, or it is no more what was found."""
        whose = [column == value for column, value in zip(place, found, strict=True)]
        query = (
            select(table).where(is_under, *whose).with_for_update(key_share=True, skip_locked=True)
        )
        return self._connection.execute(query).mappings().one_or_none()

    def _replace(
        self,
        table: Table,
        order: Sequence[str],
        columns: Sequence[str],
        collection: Collection,
        changes: Sequence[dict[str, Any]],
    ) -> None:
        place = [table.c[name] == bindparam(f"old_{name}") for name in order]
        query = (
            update(table)
            .where(table.c.collection_id == collection.collection_id, *place)
            .values({name: bindparam(f"new_{name}") for name in columns})
        )
        rows = [
            {f"{'old' if name in order else 'new'}_{name}": each[name] for name in each}
            for each in changes
        ]
        self._connection.execute(query, rows)


def _names(order: Sequence[str], row: object) -> dict[str, Any]:
    return {name: getattr(row, name) for name in order}


def _under(table: Table, key_id: UUID) -> ColumnElement[bool]:
    if table is templates:
        return templates.c.key_id == key_id
    columns = (
        (subjects.c.metadata, subjects.c.consent)
        if table is subjects
        else (idempotent_responses.c.sealed,)
    )
    named = sql_cast(key_id.bytes, LargeBinary)
    return or_(*(func.substr(column, 2, len(key_id.bytes)) == named for column in columns))
