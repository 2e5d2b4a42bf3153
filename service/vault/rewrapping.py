"""From one master key to another; the keys beneath stay what they are."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from service.domain.collection import CollectionKeys, WrappedKey
from service.domain.errors import MasterKeyInvalid
from service.vault.wrapping import KeyPlace, KeyWrapper, Use


class RewrapKeys:
    """Implements `Rewrapping`."""

    def __init__(self, old: KeyWrapper, new: KeyWrapper) -> None:
        self._old = old
        self._new = new

    def __call__(self, collection_id: UUID, keys: CollectionKeys) -> CollectionKeys:
        """Raises `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        active = self._rewrapped(collection_id, keys.active, Use.DATA)
        names = active
        if keys.names != keys.active:  # the audit log's key stands in both places
            names = self._rewrapped(collection_id, keys.names, Use.NAMES)
        retiring = keys.retiring and self._rewrapped(collection_id, keys.retiring, Use.DATA)
        return replace(keys, active=active, names=names, retiring=retiring)

    def _rewrapped(self, collection_id: UUID, key: WrappedKey, use: Use) -> WrappedKey:
        place = KeyPlace(collection_id, key.key_id, use)
        secret = self._old.unwrap(key.wrapped, place)
        wrapped = self._new.wrap(secret, place)
        if self._new.unwrap(wrapped, place) != secret:
            raise MasterKeyInvalid
        return WrappedKey(key.key_id, wrapped)
