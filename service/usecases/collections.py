"""Galleries apart: each with its own key, model, thresholds and duplicate rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.collection import DEFAULT_COLLECTION, Collection, CollectionSettings
from service.domain.errors import CollectionExists
from service.domain.expiry import require_usual
from service.domain.search_threshold import SearchThreshold
from service.domain.thresholds import Calibration
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.erase import remove_expired
from service.usecases.model_move import require_profiles
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    lock_collection,
    require_collection,
)

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class CollectionDetails:
    """`search`: at the duplicate profile and the present size."""

    collection: Collection
    calibration: Calibration
    templates: int

    @property
    def search(self) -> SearchThreshold:
        return self.collection.settings.search_over(self.templates, self.calibration)


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """`next_cursor`: where the next page starts; None on the last."""

    collections: Sequence[CollectionDetails]
    next_cursor: str | None


class Collections:
    """`calibration`: asked for where thresholds are told or set, and not to see that `default` exists:
    it takes a look at the model's file. `next_calibration`: of the model that people are moved to.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        calibration: Callable[[], Calibration],
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        next_calibration: Callable[[], Calibration | None] = lambda: None,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._calibration = calibration
        self._clock = clock
        self._audit = audit
        self._next_calibration = next_calibration

    def show(self, name: str) -> CollectionDetails:
        """Raises `CollectionNotFound`."""
        with self._storage.transaction() as tx:
            return self._details(tx, require_collection(tx, name))

    def page(self, caller: Caller, limit: int, after: str | None) -> CollectionPage:
        """The first `limit` collections after the one of this name that the caller is let into, by name."""
        with self._storage.transaction() as tx:
            names = sorted(filter(caller.may_enter, tx.collections.names()))
            names = [name for name in names if after is None or name > after]
            found = map(tx.collections.find_with_keys_locked, names[:limit])
            shown = [self._details(tx, each) for each in found if each is not None]
        return CollectionPage(shown, names[limit - 1] if len(names) > limit else None)

    def create(self, name: str, settings: CollectionSettings, caller: str) -> CollectionDetails:
        """Raises `CollectionExists`, and what `change` raises."""
        with self._storage.transaction(name) as tx:
            tx.collections.lock_name(name)
            if tx.collections.find_with_keys_locked(name) is not None:
                raise CollectionExists
            self._make(tx, name)
            return self._set(tx, lock_collection(tx, name), settings, caller)

    def put(self, name: str, settings: CollectionSettings, caller: str) -> CollectionDetails:
        """Create the collection, or give it these settings. Raises what `change` raises."""
        with self._storage.transaction(name) as tx:
            self._ensure(tx, name)
            return self._set(tx, lock_collection(tx, name), settings, caller)

    def change(self, name: str, named: Mapping[str, Any], caller: str) -> CollectionDetails:
        """Give the collection what is named, by the fields of `CollectionSettings`; the rest stays.

        Raises `CollectionNotFound`, `ProfileNotFound` where the duplicate profile is none of the
        collection's, and `PurgeHeld`, `ClocksDisagree` where a longer retention would bring back the
        expired; `ProfilesMissing`.
        """
        with self._storage.transaction(name) as tx:
            collection = lock_collection(tx, name)
            return self._set(tx, collection, replace(collection.settings, **named), caller)

    def _set(
        self, tx: Transaction, collection: Collection, settings: CollectionSettings, caller: str
    ) -> CollectionDetails:
        calibration = self._calibration().with_thresholds(settings.thresholds)
        calibration.profile(settings.duplicate_profile)
        if _keeps_longer(settings, collection.settings):
            self._remove_expired(tx, collection)
        collection = replace(collection, settings=settings)
        following = self._next_calibration() if collection.next_model_id else None
        if following is not None:
            require_profiles(collection, calibration, following)
        tx.collections.update(collection)
        self._audit.record(tx, Action.COLLECTION_SET, caller, collection.name)
        return self._details(tx, collection)

    def delete(self, name: str, caller: str) -> int:
        """Remove a collection, its key and its people; returns how many templates went.

        `default` always exists: deleting it leaves it empty, under a new key.
        Raises `CollectionNotFound`.
        """
        with self._storage.transaction(name) as tx:
            deleted = tx.collections.delete(lock_collection(tx, name))
            if name == DEFAULT_COLLECTION:
                self._ensure(tx, name)
            self._audit.record(tx, Action.COLLECTION_ERASE, caller, name)
            return deleted

    def ensure_default(self) -> None:
        """Make the collection that always exists, where it does not exist yet."""
        with self._storage.transaction() as tx:
            self._ensure(tx, DEFAULT_COLLECTION)

    def _ensure(self, tx: Transaction, name: str) -> None:
        """Of several who would make it at once all but one come second, and find it made."""
        if tx.collections.find_with_keys_locked(name) is None:
            tx.collections.lock_name(name)
            self._make(tx, name)

    def _make(self, tx: Transaction, name: str) -> None:
        if tx.collections.find_with_keys_locked(name) is None:
            collection_id, now = uuid4(), self._clock()
            keys = self._vault.new_keys(collection_id, now)
            tx.collections.add(
                Collection(collection_id, name, None, CollectionSettings(), keys, now)
            )
            self._require_one_master_key(tx)

    def _require_one_master_key(self, tx: Transaction) -> None:
        """A process that missed the change of the master key must not make keys under the old one.

        Looked at after the new keys are written, so that a change under way is seen as well.
        Raises `MasterKeyInvalid`.
        """
        default = tx.collections.find_with_keys_locked(DEFAULT_COLLECTION)
        if default is not None:
            self._vault.unlock(default.collection_id, default.keys.active)

    def _remove_expired(self, tx: Transaction, collection: Collection) -> None:
        """A longer retention must not bring back whose time was over under the old one.

        Raises `PurgeHeld`, `ClocksDisagree`.
        """
        require_usual(tx.subjects.count_expired(collection))
        unlocked = UnlockedCollection.unlock(collection, self._vault)
        while remove_expired(tx, unlocked, self._audit, self._clock()):
            pass

    def _details(self, tx: Transaction, collection: Collection) -> CollectionDetails:
        calibration = self._calibration().with_thresholds(collection.settings.thresholds)
        return CollectionDetails(collection, calibration, tx.templates.count(collection))


def _keeps_longer(new: CollectionSettings, old: CollectionSettings) -> bool:
    if old.retention_days is None:
        return False
    return new.retention_days is None or new.retention_days > old.retention_days
