"""In which order templates were written: positions, and how far they have come."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from service.domain.collection import Collection
from service.domain.search import WriteMark
from service.gallery.tables import collection_writes

_MARKS = select(
    collection_writes.c.collection_id,
    collection_writes.c.epoch,
    collection_writes.c.last_position,
    collection_writes.c.deletions,
)

_ADD_DELETIONS = (
    update(collection_writes)
    .where(collection_writes.c.collection_id == bindparam("of"))
    .values(deletions=collection_writes.c.deletions + bindparam("more"))
)


class PostgresPositions:
    """Takes positions and gives them up, within one transaction.

    Deletions are written down at its end, by `settle`: a transaction that deletes waits for rows
    that others hold, and must not hold the mark, for which those wait, meanwhile.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._given_up: Counter[UUID] = Counter()

    def take(self, collection: Collection, number: int) -> range:
        """The next `number` positions; whoever else wants some waits until this transaction ends.
        Comes after everything in it that may have to wait.
        """
        query = (
            update(collection_writes)
            .where(collection_writes.c.collection_id == collection.collection_id)
            .values(last_position=collection_writes.c.last_position + number)
            .returning(collection_writes.c.last_position)
        )
        last: int = self._connection.execute(query).scalar_one()
        return range(last - number + 1, last + 1)

    def give_up(self, collection: Collection, number: int) -> None:
        """That many rows are not where they were."""
        self._given_up[collection.collection_id] += number

    def settle(self) -> None:
        """Writes down what was given up. Collections in the same order, whoever it is."""
        for collection_id, number in sorted(self._given_up.items()):
            if number:
                self._connection.execute(_ADD_DELETIONS, {"of": collection_id, "more": number})
        self._given_up.clear()

    def mark(self, collection: Collection) -> WriteMark:
        query = _MARKS.where(collection_writes.c.collection_id == collection.collection_id)
        return _mark(self._connection.execute(query).mappings().one())

    def marks(self) -> list[WriteMark]:
        """Those of all collections."""
        return [_mark(row) for row in self._connection.execute(_MARKS).mappings()]

    def begin_epochs(self) -> None:
        """For rows that have come by another way than through here, as from a backup."""
        self._connection.execute(update(collection_writes).values(epoch=uuid4()))


def begin_positions(connection: Connection, collection_id: UUID) -> None:
    """For a collection that is made just now."""
    connection.execute(insert(collection_writes).values(collection_id=collection_id))


def _mark(row: RowMapping) -> WriteMark:
    return WriteMark(**row)
