"""Earlier answers to an `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from service.domain.collection import Collection
from service.domain.ports import StoredAnswer
from service.gallery.lifetime import Clock, of_the_living
from service.gallery.tables import answers


class PostgresAnswers:
    """Implements `Answers`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def find(self, collection: Collection, caller: str, key: str) -> StoredAnswer | None:
        """The oldest, should there be several: the key of the table contains the subject."""
        query = (
            self._living(collection)
            .where(answers.c.caller == caller, answers.c.key == key)
            .order_by(answers.c.created_at)
            .limit(1)
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else stored_answer(row)

    def of(self, collection: Collection, subject_id: str) -> list[StoredAnswer]:
        query = (
            self._living(collection, [subject_id])
            .where(answers.c.subject_id == subject_id)
            .order_by(answers.c.created_at, answers.c.caller, answers.c.key)
        )
        return [stored_answer(row) for row in self._connection.execute(query).mappings()]

    def add(self, collection: Collection, answer: StoredAnswer) -> None:
        row = {
            "collection_id": collection.collection_id,
            "subject_id": answer.subject_id,
            "caller": answer.caller,
            "key": answer.key,
            "fingerprint": answer.fingerprint,
            "sealed": answer.sealed,
            "created_at": func.now(),
        }
        self._connection.execute(insert(answers).values(row))

    def _living(
        self, collection: Collection, subject_ids: Sequence[str] | None = None
    ) -> Select[Any]:
        return select(answers).where(
            answers.c.collection_id == collection.collection_id,
            of_the_living(answers, collection, self._clock(), subject_ids),
        )


def stored_answer(row: RowMapping) -> StoredAnswer:
    return StoredAnswer(
        row["caller"], row["key"], row["subject_id"], row["fingerprint"], row["sealed"]
    )
