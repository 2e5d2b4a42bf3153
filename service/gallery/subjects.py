"""Enrolled people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from service.domain.collection import Collection, Subject
from service.gallery.tables import subjects, templates


class PostgresSubjects:
    """Implements `Subjects`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, collection: Collection, subject_id: str) -> Subject | None:
        query = _of(collection).where(subjects.c.subject_id == subject_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _subject(row)

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Starts behind `after` by the primary key, so that page 1,000 costs what page 1 does."""
        query = _of(collection).order_by(subjects.c.subject_id).limit(limit)
        if after is not None:
            query = query.where(subjects.c.subject_id > after)
        return [_subject(row) for row in self._connection.execute(query).mappings()]

    def add(self, collection: Collection, subject: Subject) -> None:
        row = {
            "collection_id": collection.collection_id,
            "subject_id": subject.subject_id,
            "metadata": subject.metadata,
            "enrolled_at": subject.enrolled_at,
        }
        self._connection.execute(insert(subjects).values(row))

    def set_metadata(self, collection: Collection, subject: Subject) -> None:
        query = update(subjects).where(
            subjects.c.collection_id == collection.collection_id,
            subjects.c.subject_id == subject.subject_id,
        )
        self._connection.execute(query.values({"metadata": subject.metadata}))

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Templates first, to count them; the rest goes by cascade."""
        deleted = [
            self._connection.execute(
                delete(table).where(
                    table.c.collection_id == collection.collection_id,
                    table.c.subject_id == subject_id,
                )
            ).rowcount
            for table in (templates, subjects)
        ]
        return deleted[0]


def _of(collection: Collection) -> Select[Any]:
    count = (
        select(func.count())
        .where(
            templates.c.collection_id == subjects.c.collection_id,
            templates.c.subject_id == subjects.c.subject_id,
        )
        .scalar_subquery()
        .label("templates")
    )
    return select(subjects, count).where(subjects.c.collection_id == collection.collection_id)


def _subject(row: RowMapping) -> Subject:
    return Subject(row["subject_id"], row["enrolled_at"], row["metadata"], row["templates"])
