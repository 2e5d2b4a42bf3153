"""A new data key for a collection, while it is in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.errors import Overloaded
from service.domain.ports import Gallery, Transaction, Vault
from service.usecases.people import OpenCollection, require_collection
from service.usecases.resealing import Progress, Resealing

ATTEMPTS = 30
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

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def __call__(self, collection_name: str, caller: str, progress: Progress) -> Rotation:
        """Raises `CollectionNotFound`, `MasterKeyInvalid`, `KeyServiceUnavailable`, `Overloaded`,
        and `TemplateTampered` where rows do not open: the others are moved, and the old key stays.
        """
        active, resumed = patiently(lambda: self._begin(collection_name, caller))
        resealing = Resealing(self._gallery, self._vault, collection_name, progress)
        patiently(resealing.move_all)
        patiently(lambda: self._destroy_old(collection_name, caller))
        return Rotation(active, resealing.moved, resumed)

    def _begin(self, name: str, caller: str) -> tuple[UUID, bool]:
        """The active key, and whether an earlier run made it.

        Whoever wrote under the old key has finished once the lock is had, and whoever comes after
        reads the new one: from here on the rows under the old key only get fewer. So this is the
        moment to count them, too, in case somebody removed some behind the service's back.
        """
        with self._gallery.transaction() as tx:
            tx.collections.lock_keys(name)
            collection = require_collection(tx, name)
            tx.templates.recount(collection)
            if collection.keys.retiring is not None:
                return collection.keys.active.key_id, True
            keys = self._vault.next_keys(collection.collection_id, collection.keys, self._clock())
            collection = replace(collection, keys=keys)
            OpenCollection.unlock(
                collection, self._vault
            )  # what cannot be opened must seal nothing
            tx.collections.set_keys(collection)
            self._write_down(tx, Action.KEY_ROTATE, name, caller)
            return keys.active.key_id, False

    def _destroy_old(self, name: str, caller: str) -> None:
        """Nothing is under it; nobody who has read it is at work any more."""
        with self._gallery.transaction() as tx:
            tx.collections.lock_keys(name)
            collection = require_collection(tx, name)
            if collection.keys.retiring is None:
                return  # another run, at the same time, was first
            keys = replace(collection.keys, retiring=None)
            tx.collections.set_keys(replace(collection, keys=keys))
            self._write_down(tx, Action.KEY_DESTROY, name, caller)

    def _write_down(self, tx: Transaction, action: Action, name: str, caller: str) -> None:
        tx.audit.append(AuditEntry(uuid4(), self._clock(), caller, action, name))


def patiently(step: Callable[[], Result]) -> Result:
    """A step that finds too much going on is tried again. Raises `Overloaded` in the end."""
    for _ in range(ATTEMPTS - 1):
        try:
            return step()
        except Overloaded:
            continue
    return step()
