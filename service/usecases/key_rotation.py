"""The collections' keys: which there are, a new data key, another master key.

A data key is changed while the collection is in use: all that is sealed moves in small steps from
the retiring key to the active one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from service.domain.audit import Action
from service.domain.chain import AUDIT_KEY
from service.domain.collection import (
    Collection,
    CollectionKeys,
    IdempotentResponse,
    StoredTemplate,
    Subject,
    WrappedKey,
)
from service.domain.errors import CollectionNotFound, MasterKeyInvalid, Overloaded, TemplateTampered
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.enrollment import reseal_subject
from service.usecases.idempotency import reseal_answer
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

if TYPE_CHECKING:
    from service.storage.sealed_rows import SealedRows
    from service.storage.storage import Storage
    from service.vault.vault import Vault

Rewrap: TypeAlias = Callable[[UUID, CollectionKeys], CollectionKeys]
"""A collection's keys, wrapped under another master key: `service.vault.master_key.RewrapKeys`."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """`waiting`: what a rotation has still to move to the active key, `retiring` being the key it
    is under. `opens`: whether the master key in use is the one that these keys are wrapped under.
    """

    collection: str
    active: UUID
    since: datetime
    templates: int
    retiring: UUID | None
    waiting: int
    opens: bool


class Keys:
    """What can be told of keys, and what can be done with all of them at once."""

    def __init__(self, storage: Storage, vault: Vault, audit: AuditRecorder) -> None:
        self._storage = storage
        self._vault = vault
        self._audit = audit

    def status(self) -> Sequence[KeyStatus]:
        """Every collection's keys, by name. Raises `KeyServiceUnavailable`."""
        with self._storage.transaction() as tx:
            names = tx.collections.names()
        return [self._status(name) for name in names]

    def rewrap(self, rewrapped: Rewrap, caller: str) -> int:
        """Wrap all keys of all collections, and the audit log's, under another master key, or none;
        returns how many collections.

        Raises `MasterKeyInvalid`, `KeyServiceUnavailable`, `AuditTampered`.
        """
        with self._storage.transaction() as tx:
            tx.collections.lock_all_keys()
            names = tx.collections.names()
            for name in names:
                collection = require_collection(tx, name)
                keys = rewrapped(collection.collection_id, collection.keys)
                tx.collections.set_keys(replace(collection, keys=keys))
            entry = self._audit.record(tx, Action.KEY_REWRAP, caller)
            tx.audit.rewrap(lambda key: _alone(rewrapped, key, entry.at))
        return len(names)

    def _status(self, name: str) -> KeyStatus:
        with self._storage.transaction() as tx:
            collection = tx.collections.unproved(name)
            if collection is None:
                raise CollectionNotFound
            keys, templates = collection.keys, tx.templates.count(collection)
            retiring = keys.retiring.key_id if keys.retiring else None
            waiting = tx.sealed_rows.count(collection, retiring) if retiring else 0
        return KeyStatus(
            collection=name,
            active=keys.active.key_id,
            since=keys.active_since,
            templates=templates,
            retiring=retiring,
            waiting=waiting,
            opens=self._opens(collection),
        )

    def _opens(self, collection: Collection) -> bool:
        try:
            UnlockedCollection.unlock(collection, self._vault)
        except MasterKeyInvalid:
            return False
        return True


def _alone(rewrapped: Rewrap, key: WrappedKey, now: datetime) -> WrappedKey:
    """The audit log's key, which has no other beside it."""
    return rewrapped(AUDIT_KEY, CollectionKeys(key, now, key)).active


TRIES = 30
"""How often a step is tried; between two tries the calls that waited for it go on."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rotation:
    """`moved`: rows that this run moved to `active`; `resumed`: it went on with an earlier run's."""

    active: UUID
    moved: int
    resumed: bool


class RotateKey:
    """Makes a new data key active, moves everything to it in small steps, destroys the old one.

    At every moment each row is under one of the two keys, and every call opens, and searches,
    under both. A run that was killed is resumed by the next one, which makes no other key.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._audit = audit

    def __call__(self, collection_name: str, caller: str, progress: Progress) -> Rotation:
        """Raises `CollectionNotFound`, `MasterKeyInvalid`, `KeyServiceUnavailable`, `Overloaded`,
        and `TemplateTampered` where rows do not open: the others are moved, and the old key stays.
        """
        active, resumed = retried(lambda: self._begin(collection_name, caller))
        resealing = Resealing(self._storage, self._vault, collection_name, progress)
        retried(resealing.move_all)
        retried(lambda: self._destroy_old(collection_name, caller))
        return Rotation(active, resealing.moved, resumed)

    def _begin(self, name: str, caller: str) -> tuple[UUID, bool]:
        """The active key, and whether an earlier run made it.

        Whoever wrote under the old key has finished once the lock is had, and whoever comes after
        reads the new one: from here on the rows under the old key only get fewer. So this is the
        moment to count them, too, in case somebody removed some behind the service's back.
        """
        with self._storage.transaction() as tx:
            tx.collections.lock_keys(name)
            collection = require_collection(tx, name)
            tx.templates.recount(collection)
            if collection.keys.retiring is not None:
                return collection.keys.active.key_id, True
            keys = self._vault.next_keys(collection.collection_id, collection.keys, self._clock())
            collection = replace(collection, keys=keys)
            UnlockedCollection.unlock(collection, self._vault)  # else nothing may be sealed by it
            tx.collections.set_keys(collection)
            self._audit.record(tx, Action.KEY_ROTATE, caller, name)
            return keys.active.key_id, False

    def _destroy_old(self, name: str, caller: str) -> None:
        """Nothing is under it; nobody who has read it is at work any more."""
        with self._storage.transaction() as tx:
            tx.collections.lock_keys(name)
            collection = require_collection(tx, name)
            if collection.keys.retiring is None:
                return  # another run, at the same time, was first
            keys = replace(collection.keys, retiring=None)
            tx.collections.set_keys(replace(collection, keys=keys))
            self._audit.record(tx, Action.KEY_DESTROY, caller, name)


def retried(step: Callable[[], Result]) -> Result:
    """A step that finds too much going on is tried again. Raises `Overloaded` in the end."""
    for _ in range(TRIES - 1):
        try:
            return step()
        except Overloaded:
            continue
    return step()


ROWS_AT_A_TIME = 100
"""Rows that one transaction moves. A call that changes one of them waits that long, about 0.1 s."""

Row = TypeVar("Row", StoredTemplate, Subject, IdempotentResponse)


class Progress(Protocol):
    def __call__(self, moved: int, total: int) -> None:
        """`moved` of the `total` rows that were under the old key when this run began."""


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Row]):
    """How one kind of row is read, sealed anew and written."""

    read: Callable[[SealedRows, Collection, UUID, Row | None, int], list[Row]]
    reseal: Callable[[UnlockedCollection, Row], Row]
    write: Callable[[SealedRows, Collection, Sequence[Row]], None]


class Resealing:
    """One run. `moved`: how many rows it has moved so far."""

    def __init__(
        self, storage: Storage, vault: Vault, collection_name: str, progress: Progress
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._name = collection_name
        self._progress = progress
        self._altered = 0
        self.moved = 0

    def move_all(self) -> None:
        """Until nothing is under the retiring key any more. Rows under it only get fewer: nobody
        seals with it.

        Raises `TemplateTampered` where rows do not open, `Overloaded` where calls held on to rows
        during a whole walk; whatever could be moved is moved.
        """
        while left := self._left():
            before, self._altered = self.moved, 0
            total = self.moved + left
            self._progress(self.moved, total)
            self._walk(_TEMPLATES, total)
            self._walk(_SUBJECTS, total)
            self._walk(_RESPONSES, total)
            if self.moved == before:
                raise TemplateTampered if self._altered else Overloaded

    def _left(self) -> int:
        with self._storage.transaction() as tx:
            collection = require_collection(tx, self._name)
            retiring = collection.keys.retiring
            return tx.sealed_rows.count(collection, retiring.key_id) if retiring else 0

    def _walk(self, kind: _Kind[Row], total: int) -> None:
        last: Row | None = None
        while rows := self._step(kind, last):
            last = rows[-1]
            self._progress(self.moved, max(total, self.moved))

    def _step(self, kind: _Kind[Row], after: Row | None) -> list[Row]:
        """Moves the next rows, all of them or none; returns them as they were."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, self._name)
            retiring = collection.keys.retiring
            if retiring is None:  # another run, at the same time, has finished
                return []
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            rows = kind.read(tx.sealed_rows, collection, retiring.key_id, after, ROWS_AT_A_TIME)
            resealed = [new for row in rows if (new := self._resealed(kind, unlocked, row))]
            if resealed:
                kind.write(tx.sealed_rows, collection, resealed)
        self.moved += len(resealed)
        return rows

    def _resealed(self, kind: _Kind[Row], unlocked: UnlockedCollection, row: Row) -> Row | None:
        """None for a row that was altered: it stays as it is, for the operator to look at."""
        try:
            return kind.reseal(unlocked, row)
        except TemplateTampered:
            self._altered += 1
            return None


_TEMPLATES: _Kind[StoredTemplate] = _Kind(
    lambda rows, *place: rows.templates(*place),
    UnlockedCollection.reseal,
    lambda rows, *moved: rows.replace_templates(*moved),
)
_SUBJECTS: _Kind[Subject] = _Kind(
    lambda rows, *place: rows.subjects(*place),
    reseal_subject,
    lambda rows, *moved: rows.replace_subjects(*moved),
)
_RESPONSES: _Kind[IdempotentResponse] = _Kind(
    lambda rows, *place: rows.idempotent_responses(*place),
    reseal_answer,
    lambda rows, *moved: rows.replace_idempotent_responses(*moved),
)
