"""Remove people whose time is over. They are gone for every caller already; now for good.

What may go, and by whose clock, is decided in `domain/purge.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.callers import EXPIRY
from service.domain.errors import CollectionNotFound
from service.domain.ports import Gallery, Transaction, Vault
from service.domain.purge import Expired, require_agreement
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
    an entry in the log. Returns how many went. Raises `ClocksDisagree`.
    """
    ids = tx.subjects.expired(people.collection, limit, among)
    if ids:
        require_agreement(now - tx.server_time())
    for each in ids:
        tx.subjects.delete(people.collection, each)
        name, pseudonym = people.collection.name, people.names.pseudonym(each)
        tx.audit.append(AuditEntry(uuid4(), now, EXPIRY.name, Action.EXPIRE, name, pseudonym))
    return len(ids)


@dataclass(frozen=True, slots=True)
class PurgeBatch:
    """What one transaction did in a collection: `removed` people; or `held` them all back, since
    they are too many to go without an operator's word.
    """

    collection: str
    removed: int = 0
    held: Expired | None = None


class Purge:
    """Small transactions, so that nobody waits long, and a killed purge leaves nothing half done."""

    def __init__(
        self,
        gallery: Gallery,
        vault: Vault,
        clock: Callable[[], datetime],
        report: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`report`: told how many people were held back, once every collection was looked at."""
        self._gallery = gallery
        self._vault = vault
        self._clock = clock
        self._report = report

    def batches(self, *, wait: bool, confirmed: Collection[str] = ()) -> Iterator[PurgeBatch]:
        """One for each transaction that did something, until nobody is left to remove.

        One process purges at a time: where another one does, `wait` for it between batches, or
        leave the work to it. `confirmed`: collections whose people may go however many they are.
        Raises `ClocksDisagree`, `CollectionNotFound`, `MasterKeyInvalid`, `Overloaded`,
        `DatabaseUnavailable`.
        """
        with self._gallery.transaction() as tx:
            names = tx.collections.names()
            require_agreement(self._clock() - tx.server_time())
            tx.answers.forget_keys()
        if not set(confirmed) <= set(names):
            raise CollectionNotFound
        held = 0
        for name in names:
            expired = self._expired(name, wait=wait)
            if expired is None:
                return
            if expired.may_go or name in confirmed:
                yield from self._remove(name, expired.number, wait=wait)
            else:
                held += expired.number
                yield PurgeBatch(name, held=expired)
        self._report(held)

    def _expired(self, name: str, *, wait: bool) -> Expired | None:
        """None where somebody else purges."""
        with self._gallery.transaction(name) as tx:
            if not tx.collections.lock_purge(wait=wait):
                return None
            collection = tx.collections.find(name)
            return Expired(0, 0) if collection is None else tx.subjects.count_expired(collection)

    def _remove(self, name: str, number: int, *, wait: bool) -> Iterator[PurgeBatch]:
        """No more than the `number` that was looked at: a clock may jump at any moment."""
        while number > 0:
            removed = self._batch(name, min(BATCH, number), wait=wait)
            if removed:
                yield PurgeBatch(name, removed)
            number = number - removed if removed == BATCH else 0

    def _batch(self, name: str, limit: int, *, wait: bool) -> int:
        """0 as well where somebody else purges."""
        with self._gallery.transaction(name) as tx:
            if not tx.collections.lock_purge(wait=wait):
                return 0
            collection = tx.collections.find(name)
            if collection is None or not tx.subjects.expired(collection, 1):
                return 0
            people = OpenCollection.unlock(lock_collection(tx, name), self._vault)
            return remove_expired(tx, people, self._clock(), limit)
