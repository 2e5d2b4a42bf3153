"""Refused faces, by subject. They go when the subject goes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, text
from sqlalchemy.dialects.postgresql import insert

from service.domain.collection import Collection, StoredTemplate
from service.domain.lockout import Refusals
from service.gallery.lifetime import Clock
from service.gallery.tables import attempts
from service.gallery.trials import refusals_of, templates_of, trial

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


class PostgresAttempts:
    """Implements `Attempts`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def lock(self, collection: Collection, subject_id: str) -> None:
        """Not the subject's row: locking that would make every verification write to the disk."""
        self._connection.execute(_LOCK, {"key": _lock_number(collection, subject_id)})

    def find(self, collection: Collection, subject_id: str) -> Refusals | None:
        return refusals_of(self._connection, collection, subject_id)

    def trial(
        self, collection: Collection, subject_id: str
    ) -> tuple[Refusals | None, list[StoredTemplate]]:
        lock = _lock_number(collection, subject_id)
        return trial(self._connection, lock, collection, subject_id, self._clock())

    def uncounted_trial(self, collection: Collection, subject_id: str) -> list[StoredTemplate]:
        return templates_of(self._connection, collection, subject_id, self._clock())

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


def _lock_number(collection: Collection, subject_id: str) -> int:
    """A signed 64-bit number, PostgreSQL's name for an advisory lock. Were two subjects ever to
    share one, they would wait for each other and nothing else.
    """
    name = collection.collection_id.bytes + subject_id.encode()
    digest = blake2b(name, digest_size=8, person=b"face-subject")
    return int.from_bytes(digest.digest(), "big", signed=True)
