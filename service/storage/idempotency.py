"""Earlier answers to an `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    delete,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from service.domain.collection import Collection, IdempotentResponse
from service.storage.expiry import Clock, of_the_living
from service.storage.tables import erased_idempotency_keys, idempotent_responses

KEYS_KEPT = timedelta(days=30)
"""After somebody went: a client that was off the net for longer does not repeat its calls."""


class IdempotentResponses:
    """Those about people whose time is over do not exist."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def find(self, collection: Collection, caller: str, key: str) -> IdempotentResponse | None:
        """The oldest, should there be several: the key of the table contains the subject."""
        query = (
            self._living(collection)
            .where(idempotent_responses.c.caller == caller, idempotent_responses.c.key == key)
            .order_by(idempotent_responses.c.created_at)
            .limit(1)
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else stored_response(row)

    def of(self, collection: Collection, subject_id: str) -> list[IdempotentResponse]:
        query = (
            self._living(collection, [subject_id])
            .where(idempotent_responses.c.subject_id == subject_id)
            .order_by(
                idempotent_responses.c.created_at,
                idempotent_responses.c.caller,
                idempotent_responses.c.key,
            )
        )
        return [stored_response(row) for row in self._connection.execute(query).mappings()]

    def add(self, collection: Collection, answer: IdempotentResponse) -> None:
        row = {
            "collection_id": collection.collection_id,
            "subject_id": answer.subject_id,
            "caller": answer.caller,
            "key": answer.key,
            "fingerprint": answer.fingerprint,
            "sealed": answer.sealed,
            "key_digest": answer.key_digest,
            "created_at": func.now(),
        }
        self._connection.execute(insert(idempotent_responses).values(row))

    def is_of_somebody_gone(self, key_digest: bytes) -> bool:
        """Whether an answer under this key was about somebody who is no longer enrolled, in whatever
        way they went.

        To be asked where `find` finds nothing: an answer that is there all the same is about
        somebody who has expired.
        """
        erased = exists().where(
            erased_idempotency_keys.c.key_digest == key_digest,
            erased_idempotency_keys.c.forget_at > func.now(),
        )
        expired = exists().where(idempotent_responses.c.key_digest == key_digest)
        return any(self._connection.scalar(select(each)) for each in (erased, expired))

    def forget_keys(self) -> None:
        """Of people who went so long ago that no retry comes any more."""
        query = delete(erased_idempotency_keys).where(
            erased_idempotency_keys.c.forget_at <= func.now()
        )
        self._connection.execute(query)

    def _living(
        self, collection: Collection, subject_ids: Sequence[str] | None = None
    ) -> Select[Any]:
        return select(idempotent_responses).where(
            idempotent_responses.c.collection_id == collection.collection_id,
            of_the_living(idempotent_responses, collection, self._clock(), subject_ids),
        )


def stored_response(row: RowMapping) -> IdempotentResponse:
    return IdempotentResponse(
        row["caller"],
        row["key"],
        row["subject_id"],
        row["fingerprint"],
        row["sealed"],
        row["key_digest"],
    )


def keep_keys(connection: Connection, whose: ColumnElement[bool]) -> None:
    """Of these answers, which are about to go with the people they are about: so that a late retry
    does not enroll anybody again. By the database's own clock, since nothing brings a key back.
    """
    going = (
        select(idempotent_responses.c.key_digest, func.now() + KEYS_KEPT).where(whose).distinct()
    )
    query = upsert(erased_idempotency_keys).from_select(["key_digest", "forget_at"], going)
    connection.execute(
        query.on_conflict_do_update(
            constraint=erased_idempotency_keys.primary_key,
            set_={"forget_at": query.excluded.forget_at},
        )
    )
