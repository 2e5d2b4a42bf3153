"""Earlier answers to an `Idempotency-Key`."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, func, insert, select

from service.domain.collection import Collection
from service.domain.ports import StoredAnswer
from service.gallery.tables import answers


class PostgresAnswers:
    """Implements `Answers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, collection: Collection, caller: str, key: str) -> StoredAnswer | None:
        """The oldest, should there be several: the key of the table contains the subject."""
        query = (
            select(answers)
            .where(
                answers.c.collection_id == collection.collection_id,
                answers.c.caller == caller,
                answers.c.key == key,
            )
            .order_by(answers.c.created_at)
            .limit(1)
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else stored_answer(row)

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


def stored_answer(row: RowMapping) -> StoredAnswer:
    return StoredAnswer(
        row["caller"], row["key"], row["subject_id"], row["fingerprint"], row["sealed"]
    )
