"""Failed comparisons of a subject, and what the next face is compared with.

They are counted by subject and by the key that sent the faces, and go when the subject goes. What a
verification reads stands here: it is one trip to the server, and spared SQLAlchemy's part of it and
the text of 512 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    LargeBinary,
    and_,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection, SearchVector, StoredTemplate
from service.domain.errors import CollectionNotFound
from service.domain.expiry import is_expired
from service.domain.lockout import Refusals
from service.storage.collections import LOCK, CollectionRows, lock_number
from service.storage.expiry import Clock
from service.storage.queries import Query, Rows, compiled, run
from service.storage.subjects import Stored, SubjectProof, stored_subject
from service.storage.tables import collections, failed_comparisons, subjects, templates

_SEARCH_HEADER_BYTES = 4
_SEARCH_NUMBER = np.dtype(">f2")
"""As pgvector sends a `halfvec`: how many numbers, two unused bytes, then the numbers."""

_LOCK = compiled(LOCK)


@dataclass(frozen=True, slots=True)
class Statements:
    """What is read of one subject. Subject and templates each by themselves: to find the best order
    of a join takes PostgreSQL longer than both.
    """

    refusals: bytes
    subject: bytes
    templates: bytes


def _statements_in(collection_id: ColumnElement[UUID]) -> Statements:
    whose: BindParameter[str] = bindparam("subject_id")
    refusals = select(
        failed_comparisons.c.caller,
        failed_comparisons.c.refusals,
        failed_comparisons.c.since,
        failed_comparisons.c.locked_until,
    ).where(
        failed_comparisons.c.collection_id == collection_id,
        failed_comparisons.c.subject_id == whose,
    )
    subject = select(*subjects.columns).where(
        subjects.c.collection_id == collection_id, subjects.c.subject_id == whose
    )
    search = func.halfvec_send(templates.c.search, type_=LargeBinary()).label("search")
    kept = (column for column in templates.columns if column is not templates.c.search)
    theirs = (
        select(*kept, search)
        .where(templates.c.collection_id == collection_id, templates.c.subject_id == whose)
        .order_by(templates.c.created_at, templates.c.template_id)
    )
    return Statements(compiled(refusals), compiled(subject), compiled(theirs))


BY_ID = _statements_in(bindparam("collection_id"))
BY_NAME = _statements_in(
    select(collections.c.collection_id)
    .where(collections.c.name == bindparam("name"))
    .scalar_subquery()
)
"""For the trip in which the collection itself is only found."""


@dataclass(frozen=True, slots=True)
class SubjectForComparison:
    """Whom a face is compared with. `refusals`: by the key that sent the faces, empty where none
    are counted; both are empty where there is no such subject.
    """

    collection: Collection
    refusals: Mapping[str, Refusals]
    templates: Sequence[StoredTemplate]


class Reading(NamedTuple):
    """What is read of a subject at a time, not proved yet."""

    refusals: dict[str, Refusals]
    subject: list[Stored]
    templates: list[StoredTemplate]


class FailedComparisons:
    """Those of one transaction, by subject and by the key that sent the faces."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        collections: CollectionRows,
        proof: SubjectProof,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._collections = collections
        self._proof = proof

    def lock_subject(self, collection: Collection, subject_id: str) -> None:
        """Until the end of the transaction nobody else compares a face with this subject.

        Not the subject's row: locking that would make every verification write to the disk.
        """
        run(self._connection, Query(_LOCK, {"lock": _lock_number(collection.name, subject_id)}))

    def of(self, collection: Collection, subject_id: str) -> dict[str, Refusals]:
        """By the key that sent the faces."""
        whose = {"collection_id": collection.collection_id, "subject_id": subject_id}
        [rows] = run(self._connection, Query(BY_ID.refusals, whose))
        return _refusals(rows)

    def subject_for_comparison(
        self, collection_name: str, subject_id: str, *, counted: bool
    ) -> SubjectForComparison:
        """The subject in the collection of this name, whose keys stay in use until the end of the
        transaction.

        `counted`: refusals are, and so nobody else compares a face with the subject until the end of
        the transaction. All in one trip: lock and reading go by the collection's name, and what was
        read of a newer collection of that name does not prove to be of the one that was found.

        Raises `CollectionNotFound`, `RecordTampered`, `AuditTampered`, `MasterKeyInvalid`,
        `Overloaded`.
        """
        by_name = {"name": collection_name, "subject_id": subject_id}
        queries = _queries(BY_NAME, by_name, counted=counted)
        lock = _lock_number(collection_name, subject_id) if counted else None
        found, rows = self._collections.find_with_keys_locked_and(
            collection_name, *queries, lock=lock
        )
        if found is None:
            raise CollectionNotFound
        return self._proved(found, subject_id, rows, counted=counted)

    def _proved(
        self, collection: Collection, subject_id: str, first: list[Rows], *, counted: bool
    ) -> SubjectForComparison:
        """From the rows as they came `first`, or come when they are read again."""
        by_id = {"collection_id": collection.collection_id, "subject_id": subject_id}
        again = _queries(BY_ID, by_id, counted=counted)
        readings: list[Reading] = []

        def read() -> list[Stored]:
            rows = run(self._connection, *again) if readings else first
            readings.append(_reading(rows, counted=counted))
            return readings[-1].subject

        stored = self._proof.settled(collection, read)
        now, settings = self._clock(), collection.settings
        kept = any(not is_expired(subject, settings, now) for subject, _ in stored)
        read_last = readings[-1]
        if not kept:  # whoever is expired is not enrolled, and so not locked
            return SubjectForComparison(collection, {}, [])
        return SubjectForComparison(collection, read_last.refusals, read_last.templates)

    def put(self, collection: Collection, subject_id: str, caller: str, refusals: Refusals) -> None:
        """Write it, in place of what was there. The subject must exist."""
        counted = {
            "refusals": refusals.number,
            "since": refusals.since,
            "locked_until": refusals.locked_until,
        }
        whose = {"collection_id": collection.collection_id, "subject_id": subject_id}
        query = insert(failed_comparisons).values({**whose, "caller": caller, **counted})
        self._connection.execute(
            query.on_conflict_do_update(constraint=failed_comparisons.primary_key, set_=counted)
        )

    def delete(
        self, collection: Collection, subject_id: str, callers: Sequence[str] | None = None
    ) -> None:
        """Those of `callers`; None: all."""
        query = delete(failed_comparisons).where(_of(collection, subject_id))
        if callers is not None:
            query = query.where(failed_comparisons.c.caller.in_(callers))
        self._connection.execute(query)


def _lock_number(collection_name: str, subject_id: str) -> int:
    return lock_number(b"face-subject", f"{collection_name}\0{subject_id}".encode())


def _queries(statements: Statements, values: Mapping[str, object], *, counted: bool) -> list[Query]:
    """Refusals where they are `counted`, the subject, their templates: in this order."""
    texts = [statements.subject, statements.templates]
    return [Query(each, values) for each in ([statements.refusals] if counted else []) + texts]


def _reading(rows: Sequence[Rows], *, counted: bool) -> Reading:
    """From the rows of `_queries`."""
    *refused, subject, found = rows
    theirs = [row["template_id"] for row in found]
    return Reading(
        _refusals(refused[-1]) if counted else {},
        [(stored_subject({**row, "template_ids": theirs}), row["seal"]) for row in subject],
        [_template(row) for row in found],
    )


def _refusals(rows: Rows) -> dict[str, Refusals]:
    return {
        row["caller"]: Refusals(row["refusals"], row["since"], row["locked_until"]) for row in rows
    }


def _template(row: Mapping[str, Any]) -> StoredTemplate:
    search = np.frombuffer(row["search"], _SEARCH_NUMBER, offset=_SEARCH_HEADER_BYTES)
    return StoredTemplate(
        template_id=row["template_id"],
        subject_id=row["subject_id"],
        model_id=row["model_id"],
        key_id=row["key_id"],
        sealed=row["sealed"],
        search=SearchVector(search.astype(np.float32)),
        created_at=row["created_at"],
    )


def _of(collection: Collection, subject_id: str) -> ColumnElement[bool]:
    return and_(
        failed_comparisons.c.collection_id == collection.collection_id,
        failed_comparisons.c.subject_id == subject_id,
    )
