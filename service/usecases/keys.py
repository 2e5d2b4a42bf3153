"""The collections' keys: which there are, a new data key, another master key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.chain import AUDIT_KEY
from service.domain.collection import Collection, CollectionKeys, WrappedKey
from service.domain.errors import CollectionNotFound, MasterKeyInvalid
from service.domain.ports import Gallery, Rewrapping, Vault
from service.usecases.people import OpenCollection, require_collection


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

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def status(self) -> Sequence[KeyStatus]:
        """Every collection's keys, by name. Raises `KeyServiceUnavailable`."""
        with self._gallery.transaction() as tx:
            names = tx.collections.names()
        return [self._status(name) for name in names]

    def rewrap(self, rewrapped: Rewrapping, caller: str) -> int:
        """Wrap all keys of all collections, and the audit log's, under another master key, or none;
        returns how many collections.

        Raises `MasterKeyInvalid`, `KeyServiceUnavailable`, `AuditTampered`.
        """
        with self._gallery.transaction() as tx:
            tx.collections.lock_all_keys()
            names = tx.collections.names()
            for name in names:
                collection = require_collection(tx, name)
                keys = rewrapped(collection.collection_id, collection.keys)
                tx.collections.set_keys(replace(collection, keys=keys))
            now = self._clock()
            tx.audit.append(AuditEntry(uuid4(), now, caller, Action.KEY_REWRAP))
            tx.audit.rewrap(lambda key: _alone(rewrapped, key, now))
        return len(names)

    def _status(self, name: str) -> KeyStatus:
        with self._gallery.transaction() as tx:
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
            OpenCollection.unlock(collection, self._vault)
        except MasterKeyInvalid:
            return False
        return True


def _alone(rewrapped: Rewrapping, key: WrappedKey, now: datetime) -> WrappedKey:
    """The audit log's key, which has no other beside it."""
    return rewrapped(AUDIT_KEY, CollectionKeys(key, now, key)).active
