"""Remove people whose time is over. They are gone for every caller already; now for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.callers import EXPIRY
from service.domain.ports import Gallery, Transaction, Vault
from service.usecases.people import OpenCollection, lock_collection

BATCH = 100
"""People removed in one transaction: an enrollment waits a few tenths of a second for it."""


def remove_expired(
    tx: Transaction,
    people: OpenCollection,
    now: datetime,
    limit: int = BATCH,
    among: Sequence[str] | None = None,
) -> int:
    """Under the lock of the collection: up to `limit` people, or those `among` them, each with
    an entry in the log. Returns how many went.
    """
    ids = tx.subjects.expired(people.collection, limit, among)
    for each in ids:
        tx.subjects.delete(people.collection, each)
        name, pseudonym = people.collection.name, people.names.pseudonym(each)
        tx.audit.append(AuditEntry(uuid4(), now, EXPIRY.name, Action.EXPIRE, name, pseudonym))
    return len(ids)


class Purge:
    """Small transactions, so that nobody waits long, and a killed purge leaves nothing half done."""

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def batches(self, *, wait: bool) -> Iterator[int]:
        """The number of people removed by each transaction, until nobody is left to remove.

        One process purges at a time: where another one does, `wait` for it between batches, or
        leave the work to it. Raises `MasterKeyInvalid`, `Overloaded`, `DatabaseUnavailable`.
        """
        with self._gallery.transaction() as tx:
            names = tx.collections.names()
        for name in names:
            removed: int | None = BATCH
            while removed == BATCH:
                removed = self._batch(name, wait=wait)
                if removed is None:
                    return
                if removed:
                    yield removed

    def _batch(self, name: str, *, wait: bool) -> int | None:
        """None: somebody else purges."""
        with self._gallery.transaction(name) as tx:
            if not tx.collections.lock_purge(wait=wait):
                return None
            collection = tx.collections.find(name)
            if collection is None or not tx.subjects.expired(collection, 1):
                return 0
            people = OpenCollection.unlock(lock_collection(tx, name), self._vault)
            return remove_expired(tx, people, self._clock())
