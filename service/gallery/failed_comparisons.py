"""Refused faces, by subject and by the key that sent them. They go when the subject goes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, text
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection
from service.domain.lockout import Refusals
from service.domain.ports import SubjectForComparison
from service.gallery.collections import PostgresCollections
from service.gallery.lifetime import Clock
from service.gallery.subject_for_comparison import COUNTED, UNCOUNTED, refusals_of, subject_of
from service.gallery.subject_proof import PostgresSubjectProof
from service.gallery.tables import failed_comparisons
from service.gallery.together import Rows, run

_NO_COLLECTION = UUID(int=0)
"""Collections have random ids."""

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


class PostgresFailedComparisons:
    """Implements `FailedComparisons`."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        collections: PostgresCollections,
        collection_ids: dict[str, UUID],
        proof: PostgresSubjectProof,
    ) -> None:
        """`collection_ids`: by name, as they were last read; shared by all transactions."""
        self._connection = connection
        self._clock = clock
        self._collections = collections
        self._collection_ids = collection_ids
        self._proof = proof

    def lock_subject(self, collection: Collection, subject_id: str) -> None:
        """Not the subject's row: locking that would make every verification write to the disk."""
        self._connection.execute(_LOCK, {"key": _lock_number(collection.collection_id, subject_id)})

    def of(self, collection: Collection, subject_id: str) -> dict[str, Refusals]:
        return refusals_of(self._connection, collection, subject_id)

    def subject(
        self, collection: Collection, subject_id: str, *, counted: bool
    ) -> SubjectForComparison:
        values = _values(collection.collection_id, subject_id)
        text = COUNTED if counted else UNCOUNTED

        def read() -> Sequence[Rows]:
            return run(self._connection, text, values)

        return subject_of(read(), read, collection, self._clock(), self._proof)

    def subject_in(
        self, name: str, subject_id: str, *, counted: bool
    ) -> SubjectForComparison | None:
        """In one trip with the collection, whose id is guessed to be what it was the last time: a
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
