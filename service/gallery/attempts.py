"""Refused faces, by subject. They go when the subject goes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, text
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection
from service.domain.lockout import Refusals
from service.domain.ports import Judged
from service.gallery.collections import PostgresCollections
from service.gallery.lifetime import Clock
from service.gallery.tables import attempts
from service.gallery.together import run
from service.gallery.trials import TRIAL, UNCOUNTED_TRIAL, judged_by, refusals_of

_NO_COLLECTION = UUID(int=0)
"""Collections have random ids."""

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


class PostgresAttempts:
    """Implements `Attempts`."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        collections: PostgresCollections,
        collection_ids: dict[str, UUID],
    ) -> None:
        """`collection_ids`: by name, as they were last read; shared by all transactions."""
        self._connection = connection
        self._clock = clock
        self._collections = collections
        self._collection_ids = collection_ids

    def lock(self, collection: Collection, subject_id: str) -> None:
        """Not the subject's row: locking that would make every verification write to the disk."""
        self._connection.execute(_LOCK, {"key": _lock_number(collection.collection_id, subject_id)})

    def find(self, collection: Collection, subject_id: str) -> Refusals | None:
        return refusals_of(self._connection, collection, subject_id)

    def trial(self, collection: Collection, subject_id: str, *, counted: bool) -> Judged:
        values = _of_trial(collection.collection_id, subject_id)
        rows = run(self._connection, TRIAL if counted else UNCOUNTED_TRIAL, values)
        return judged_by(rows, collection, self._clock())

    def trial_in(self, name: str, subject_id: str, *, counted: bool) -> Judged | None:
        """In one trip with the collection, whose id is guessed to be what it was the last time: a
        wrong guess is seen by what comes back, and costs another trip.
        """
        guess = self._collection_ids.get(name, _NO_COLLECTION)
        text = TRIAL if counted else UNCOUNTED_TRIAL
        values = _of_trial(guess, subject_id)
        collection, rows = self._collections.find_and(name, text, values)
        if collection is None:
            self._collection_ids.pop(name, None)
            return None
        if collection.collection_id != guess:
            self._collection_ids[name] = collection.collection_id
            return self.trial(collection, subject_id, counted=counted)
        return judged_by(rows, collection, self._clock())

    def put(self, collection: Collection, subject_id: str, refusals: Refusals) -> None:
        counted: dict[str, Any] = {
            "refusals": refusals.number,
            "since": refusals.since,
            "locked_until": refusals.locked_until,
        }
        whose = {"collection_id": collection.collection_id, "subject_id": subject_id}
        query = insert(attempts).values({**whose, **counted})
        self._connection.execute(
            query.on_conflict_do_update(constraint="attempts_pk", set_=counted)
        )

    def delete(self, collection: Collection, subject_id: str) -> None:
        self._connection.execute(delete(attempts).where(_of(collection, subject_id)))


def _of(collection: Collection, subject_id: str) -> ColumnElement[bool]:
    return and_(
        attempts.c.collection_id == collection.collection_id, attempts.c.subject_id == subject_id
    )


def _of_trial(collection_id: UUID, subject_id: str) -> dict[str, object]:
    lock = _lock_number(collection_id, subject_id)
    return {"lock": lock, "collection_id": collection_id, "subject_id": subject_id}


def _lock_number(collection_id: UUID, subject_id: str) -> int:
    """A signed 64-bit number, PostgreSQL's name for an advisory lock. Were two subjects ever to
    share one, they would wait for each other and nothing else.
    """
    name = collection_id.bytes + subject_id.encode()
    digest = blake2b(name, digest_size=8, person=b"face-subject")
    return int.from_bytes(digest.digest(), "big", signed=True)
