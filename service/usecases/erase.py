"""People are forgotten: one who is erased, and those who are expired, by a purge.

The expired are gone for every caller already; which of them may go for good, and by whose clock,
is decided in `domain/expiry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from service.domain.audit import Action, AuditEntry
from service.domain.callers import EXPIRY
from service.domain.collection import Collection as StoredCollection
from service.domain.errors import CollectionNotFound, SubjectNotFound
from service.domain.expiry import Expired, require_agreement
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.unlocked_collection import UnlockedCollection, lock_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Erasure:
    subject_id: str
    collection: str
    templates_deleted: int
    deleted_at: datetime
    audit_id: UUID


def audited_erasure(subject_id: str, collection_name: str, caller: str) -> AuditedCall:
    return AuditedCall(caller, Action.ERASE, collection_name, subject_id)


def audited_withdrawal(subject_id: str, collection_name: str, caller: str) -> AuditedCall:
    return AuditedCall(caller, Action.CONSENT_WITHDRAWN, collection_name, subject_id)


class Erase:
    """Removes a subject with all that hangs on it, and records that it was done."""

    def __init__(self, storage: Storage, audit: AuditRecorder) -> None:
        self._storage = storage
        self._audit = audit

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> Erasure:
        """Raises `CollectionNotFound`, `SubjectNotFound`."""
        return self._erase(subject_id, collection_name, caller, Action.ERASE)

    def withdraw_consent(self, subject_id: str, collection_name: str, caller: str) -> Erasure:
        """The same, told apart in the log. A person who withdraws is forgotten also where no
        reference to their consent was kept. Raises `CollectionNotFound`, `SubjectNotFound`.
        """
        return self._erase(subject_id, collection_name, caller, Action.CONSENT_WITHDRAWN)

    def _erase(self, subject_id: str, collection_name: str, caller: str, action: Action) -> Erasure:
        with self._storage.transaction(collection_name) as tx:
            collection = lock_collection(tx, collection_name)
            if not tx.subjects.is_stored(collection, subject_id):
                raise SubjectNotFound
            deleted = tx.subjects.delete(collection, subject_id)
            entry = self._audit.record(tx, action, caller, collection, subject_id)
            forget_sessions(tx, collection, entry)
        return Erasure(subject_id, collection_name, deleted, entry.at, entry.audit_id)


BATCH = 100
"""People removed in one transaction: an enrollment waits a few tenths of a second for it."""


def remove_expired(
    tx: Transaction,
    unlocked: UnlockedCollection,
    audit: AuditRecorder,
    now: datetime,
    limit: int = BATCH,
    among: Sequence[str] | None = None,
) -> int:
    """Under the lock of the collection: up to `limit` people, or those `among` them, each with
    a record in the log. Returns how many went. Raises `ClocksDisagree`.
    """
    ids = tx.subjects.expired(unlocked.collection, limit, among)
    if ids:
        require_agreement(now - tx.server_time())
    for each in ids:
        tx.subjects.delete(unlocked.collection, each)
        entry = audit.record(tx, Action.EXPIRE, EXPIRY.name, unlocked.collection, each, at=now)
        forget_sessions(tx, unlocked.collection, entry)
    return len(ids)


def forget_sessions(tx: Transaction, collection: StoredCollection, entry: AuditEntry) -> None:
    """Liveness sessions about the person of the record: the last of them may be minutes old.

    The record names the person by the pseudonym that their sessions are stored by: both are
    `Pseudonyms.pseudonym` of the subject's id, and `Binding.subject` is the other one.
    """
    if entry.subject is not None:
        tx.liveness_sessions.delete_of(collection, [entry.subject])


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
        storage: Storage,
        vault: Vault,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        report: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`report`: told how many people were held back, once every collection was looked at."""
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._audit = audit
        self._report = report

    def batches(self, *, wait: bool, confirmed: Collection[str] = ()) -> Iterator[PurgeBatch]:
        """One for each transaction that did something, until nobody is left to remove.

        One process purges at a time: where another one does, `wait` for it between batches, or
        leave the work to it. `confirmed`: collections whose people may go however many they are.
        Raises `ClocksDisagree`, `CollectionNotFound`, `MasterKeyInvalid`, `Overloaded`,
        `DatabaseUnavailable`.
        """
        with self._storage.transaction() as tx:
            names = tx.collections.names()
            require_agreement(self._clock() - tx.server_time())
            tx.idempotency.forget_keys()
            tx.liveness_frames.forget()
            tx.liveness_sessions.forget()
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
        with self._storage.transaction(name) as tx:
            if not tx.collections.lock_purge(wait=wait):
                return None
            collection = tx.collections.find_with_keys_locked(name)
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
        with self._storage.transaction(name) as tx:
            if not tx.collections.lock_purge(wait=wait):
                return 0
            collection = tx.collections.find_with_keys_locked(name)
            if collection is None or not tx.subjects.expired(collection, 1):
                return 0
            unlocked = UnlockedCollection.unlock(lock_collection(tx, name), self._vault)
            return remove_expired(tx, unlocked, self._audit, self._clock(), limit)
