"""What a face is compared with: the subject's refusals so far, and their templates. One trip.

Every verification reads this, so that it is spared SQLAlchemy's part, and the text of 512 numbers.

Refused faces, by subject and by the key that sent them. They go when the subject goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection, SearchVector, StoredTemplate
from service.domain.lockout import Refusals
from service.storage.collections import CollectionRows
from service.storage.expiry import Clock
from service.storage.subject_proof import Stored, SubjectProof
from service.storage.subjects import stored_subject
from service.storage.tables import failed_comparisons, subjects, templates
from service.storage.together import Rows, run, written

_LOCK = written(text("SELECT pg_advisory_xact_lock(:lock)"))

_REFUSALS = written(
    select(
        failed_comparisons.c.caller,
        failed_comparisons.c.refusals,
        failed_comparisons.c.since,
        failed_comparisons.c.locked_until,
    ).where(
        failed_comparisons.c.collection_id == bindparam("collection_id"),
        failed_comparisons.c.subject_id == bindparam("subject_id"),
    )
)

_SEARCH_HEADER_BYTES = 4
_SEARCH_NUMBER = np.dtype(">f2")
"""As pgvector sends a `halfvec`: how many numbers, two unused bytes, then the numbers."""

_TERM = written(
    select(*subjects.columns).where(
        subjects.c.collection_id == bindparam("collection_id"),
        subjects.c.subject_id == bindparam("subject_id"),
    )
)
"""In a statement of its own: to find the best order of a join takes PostgreSQL longer than both."""

_TEMPLATES = written(
    select(
        *(column for column in templates.columns if column is not templates.c.search),
        func.halfvec_send(templates.c.search, type_=LargeBinary()).label("search"),
    )
    .where(
        templates.c.collection_id == bindparam("collection_id"),
        templates.c.subject_id == bindparam("subject_id"),
    )
    .order_by(templates.c.created_at, templates.c.template_id)
)

COUNTED = f"{_LOCK}; {_REFUSALS}; {_TERM}; {_TEMPLATES}"
"""Its last three once nobody else holds the lock, which is kept until the transaction ends."""

UNCOUNTED = f"{_TERM}; {_TEMPLATES}"


@dataclass(frozen=True, slots=True)
class SubjectForComparison:
    """Whom a face is compared with. `refusals`: by the key that sent the faces, empty where none
    are counted; `templates`: empty where there is no such subject.
    """

    collection: Collection
    refusals: Mapping[str, Refusals]
    templates: Sequence[StoredTemplate]


def refusals_of(
    connection: Connection, collection: Collection, subject_id: str
) -> dict[str, Refusals]:
    """By the key that sent the faces."""
    whose = {"collection_id": collection.collection_id, "subject_id": subject_id}
    [rows] = run(connection, _REFUSALS, whose)
    return _refusals(rows)


def subject_of(
    first: Sequence[Rows],
    again: Callable[[], Sequence[Rows]],
    collection: Collection,
    now: datetime,
    proof: SubjectProof,
) -> SubjectForComparison:
    """From the rows of `COUNTED` or of `UNCOUNTED`, as they came first or come `again`. Raises
    `RecordTampered`.
    """
    readings: list[Sequence[Rows]] = []

    def read() -> list[Stored]:
        readings.append(again() if readings else first)
        return _stored(readings[-1])

    stored = proof.settled(collection, read)
    *counted, _, found = readings[-1]
    kept = any(not subject.is_over(collection.settings, now) for subject, _ in stored)
    templates = [_template(row) for row in found] if kept else []
    return SubjectForComparison(collection, _refusals(counted[-1] if counted else []), templates)


def _stored(rows: Sequence[Rows]) -> list[Stored]:
    *_, terms, found = rows
    theirs = [row["template_id"] for row in found]
    return [(stored_subject({**row, "template_ids": theirs}), row["seal"]) for row in terms]


def _refusals(rows: list[dict[str, Any]]) -> dict[str, Refusals]:
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


_NO_COLLECTION = UUID(int=0)
"""Collections have random ids."""

_LOCK_SUBJECT = text("SELECT pg_advisory_xact_lock(:key)")


class FailedComparisons:
    """Those of one transaction, by subject and by the key that sent the faces."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        collections: CollectionRows,
        collection_ids: dict[str, UUID],
        proof: SubjectProof,
    ) -> None:
        """`collection_ids`: by name, as they were last read; shared by all transactions."""
        self._connection = connection
        self._clock = clock
        self._collections = collections
        self._collection_ids = collection_ids
        self._proof = proof

    def lock_subject(self, collection: Collection, subject_id: str) -> None:
        """Until the end of the transaction nobody else compares a face with this subject.

        Not the subject's row: locking that would make every verification write to the disk.
        """
        self._connection.execute(
            _LOCK_SUBJECT, {"key": _lock_number(collection.collection_id, subject_id)}
        )

    def of(self, collection: Collection, subject_id: str) -> dict[str, Refusals]:
        """By the key that sent the faces."""
        return refusals_of(self._connection, collection, subject_id)

    def subject(
        self, collection: Collection, subject_id: str, *, counted: bool
    ) -> SubjectForComparison:
        """`counted`: refusals are, and so the subject is locked first."""
        values = _values(collection.collection_id, subject_id)
        text = COUNTED if counted else UNCOUNTED

        def read() -> Sequence[Rows]:
            return run(self._connection, text, values)

        return subject_of(read(), read, collection, self._clock(), self._proof)

    def subject_in(
        self, name: str, subject_id: str, *, counted: bool
    ) -> SubjectForComparison | None:
        """The same in the collection of this name; None where there is none.

        In one trip with the collection, whose id is guessed to be what it was the last time: a
        wrong guess is seen by what comes back, and costs another trip.
        """
        guess = self._collection_ids.get(name, _NO_COLLECTION)
        text = COUNTED if counted else UNCOUNTED
        values = _values(guess, subject_id)
        collection, rows = self._collections.find_and(name, text, values)
        if collection is None:
            self._collection_ids.pop(name, None)
            return None
        if collection.collection_id != guess:
            self._collection_ids[name] = collection.collection_id
            return self.subject(collection, subject_id, counted=counted)

        def read() -> Sequence[Rows]:
            return run(self._connection, text, values)

        return subject_of(rows, read, collection, self._clock(), self._proof)

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


def _of(collection: Collection, subject_id: str) -> ColumnElement[bool]:
    return and_(
        failed_comparisons.c.collection_id == collection.collection_id,
        failed_comparisons.c.subject_id == subject_id,
    )


def _values(collection_id: UUID, subject_id: str) -> dict[str, object]:
    lock = _lock_number(collection_id, subject_id)
    return {"lock": lock, "collection_id": collection_id, "subject_id": subject_id}


def _lock_number(collection_id: UUID, subject_id: str) -> int:
    """A signed 64-bit number, PostgreSQL's name for an advisory lock. Were two subjects ever to
    share one, they would wait for each other and nothing else.
    """
    name = collection_id.bytes + subject_id.encode()
    digest = blake2b(name, digest_size=8, person=b"face-subject")
    return int.from_bytes(digest.digest(), "big", signed=True)
