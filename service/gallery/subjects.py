"""Enrolled people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    select,
    update,
)

from service.domain.collection import Collection, Subject
from service.domain.purge import Expired
from service.gallery.answers import keep_keys
from service.gallery.lifetime import Clock, alive, expired
from service.gallery.positions import PostgresPositions
from service.gallery.row_insert import insert_rows
from service.gallery.tables import answers, subjects, templates


class PostgresSubjects:
    """Implements `Subjects`."""

    def __init__(self, connection: Connection, clock: Clock, positions: PostgresPositions) -> None:
        self._connection = connection
        self._clock = clock
        self._positions = positions

    def find(self, collection: Collection, subject_id: str) -> Subject | None:
        query = self._living(collection, subject_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _subject(row)

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Starts behind `after` by the primary key, so that page 1,000 costs what page 1 does."""
        query = self._living(collection).order_by(subjects.c.subject_id).limit(limit)
        if after is not None:
            query = query.where(subjects.c.subject_id > after)
        return [_subject(row) for row in self._connection.execute(query).mappings()]

    def existing(self, collection: Collection, subject_ids: Sequence[str]) -> set[str]:
        query = select(subjects.c.subject_id).where(
            _in(collection),
            subjects.c.subject_id.in_(subject_ids),
            alive(collection, self._clock()),
        )
        return set(self._connection.scalars(query))

    def add(self, collection: Collection, subject: Subject) -> None:
        self.add_all(collection, [subject])

    def add_all(self, collection: Collection, added: Sequence[Subject]) -> None:
        rows = [_columns(collection, subject) for subject in added]
        insert_rows(self._connection, subjects, rows)

    def set_metadata(self, collection: Collection, subject: Subject) -> None:
        query = update(subjects).where(_is(collection, subject.subject_id))
        self._connection.execute(query.values({"metadata": subject.metadata}))

    def set_terms(self, collection: Collection, subject: Subject) -> None:
        given = {"expires_at": subject.expires_at, "consent": subject.consent}
        changed = {name: value for name, value in given.items() if value is not None}
        if changed:
            query = update(subjects).where(_is(collection, subject.subject_id))
            self._connection.execute(query.values(changed))

    def expired(
        self, collection: Collection, limit: int, among: Sequence[str] | None = None
    ) -> list[str]:
        query = (
            select(subjects.c.subject_id)
            .where(_in(collection), expired(collection, self._clock()))
            .limit(limit)
        )
        if among is not None:
            query = query.where(subjects.c.subject_id.in_(among))
        return list(self._connection.scalars(query))

    def count_expired(self, collection: Collection) -> Expired:
        """In one pass over the collection, and in none where nobody is expired."""
        over = expired(collection, self._clock())
        if not self.expired(collection, 1):
            return Expired(0, 0)
        query = select(func.count().filter(over), func.count()).where(_in(collection))
        return Expired(*self._connection.execute(query.select_from(subjects)).one())

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Templates first, to count them; the rest goes by cascade."""
        collection_id = collection.collection_id
        whose = answers.c.collection_id == collection_id, answers.c.subject_id == subject_id
        keep_keys(self._connection, and_(*whose))
        deleted = [
            self._connection.execute(
                delete(table).where(
                    table.c.collection_id == collection.collection_id,
                    table.c.subject_id == subject_id,
                )
            ).rowcount
            for table in (templates, subjects)
        ]
        self._positions.give_up(collection, deleted[0])
        return deleted[0]

    def _living(self, collection: Collection, subject_id: str | None = None) -> Select[Any]:
        return _of(collection, subject_id).where(alive(collection, self._clock()))


def _in(collection: Collection) -> ColumnElement[bool]:
    return subjects.c.collection_id == collection.collection_id


def _is(collection: Collection, subject_id: str) -> ColumnElement[bool]:
    return _in(collection) & (subjects.c.subject_id == subject_id)


def _of(collection: Collection, subject_id: str | None = None) -> Select[Any]:
    """Of one subject, or of all. The one is named for each table: Citus asks one shard only where
    it is told, and does not conclude it from the join.
    """
    count = select(func.count()).where(
        templates.c.collection_id == subjects.c.collection_id,
        templates.c.subject_id == subjects.c.subject_id,
    )
    whose = [_in(collection)]
    if subject_id is not None:
        count = count.where(templates.c.subject_id == subject_id)
        whose.append(subjects.c.subject_id == subject_id)
    return select(subjects, count.scalar_subquery().label("templates")).where(*whose)


def _columns(collection: Collection, subject: Subject) -> dict[str, Any]:
    return {
        "collection_id": collection.collection_id,
        "subject_id": subject.subject_id,
        "metadata": subject.metadata,
        "enrolled_at": subject.enrolled_at,
        "expires_at": subject.expires_at,
        "consent": subject.consent,
    }


def _subject(row: RowMapping) -> Subject:
    return Subject(
        subject_id=row["subject_id"],
        enrolled_at=row["enrolled_at"],
        metadata=row["metadata"],
        templates=row["templates"],
        expires_at=row["expires_at"],
        consent=row["consent"],
    )
