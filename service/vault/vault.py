"""A vault holds one master key, which wraps the keys of every collection."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import lru_cache
from uuid import UUID, uuid4

from service.domain.collection import CollectionKeys, WrappedKey
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.vault.cipher import KEY_BYTES
from service.vault.collection_key import CollectionKey, PseudonymKey, new_name_secret
from service.vault.master_key import KeyPlace, KeyWrapper, Use

OPEN_KEYS = 128
"""Data keys that are kept open at a time, and as many pseudonym keys; a data key may hold a search
transform of 1 MiB."""


class Vault:
    """Everything here raises `KeyServiceUnavailable` where the master key is kept elsewhere and that
    place does not answer. Safe to share between threads.
    """

    def __init__(self, master: KeyWrapper, telemetry: Telemetry = NO_TELEMETRY) -> None:
        self._master = master
        self._telemetry = telemetry
        self._opened = lru_cache(maxsize=OPEN_KEYS)(self._open)
        self._opened_names = lru_cache(maxsize=OPEN_KEYS)(self._open_names)

    def new_key(self, collection_id: UUID) -> WrappedKey:
        """A data key, for a collection or for what stands in the place of one."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), collection_id, Use.DATA)

    def new_keys(self, collection_id: UUID, now: datetime) -> CollectionKeys:
        """The keys of a new collection."""
        names = self._wrap(new_name_secret(), collection_id, Use.NAMES)
        return CollectionKeys(self.new_key(collection_id), now, names)

    def next_keys(self, collection_id: UUID, keys: CollectionKeys, now: datetime) -> CollectionKeys:
        """A new active key, the present one retiring; pseudonyms stay what they are.

        `keys`: with none retiring.
        """
        return CollectionKeys(self.new_key(collection_id), now, keys.names, retiring=keys.active)

    def unlock(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        return self._opened(collection_id, key)

    def unlock_names(self, collection_id: UUID, keys: CollectionKeys) -> PseudonymKey:
        """Raises `MasterKeyInvalid`."""
        return self._opened_names(collection_id, keys.names)

    def _wrap(self, secret: bytes, collection_id: UUID, use: Use) -> WrappedKey:
        key_id = uuid4()
        return WrappedKey(key_id, self._master.wrap(secret, KeyPlace(collection_id, key_id, use)))

    def _unwrap(self, collection_id: UUID, key: WrappedKey, use: Use) -> bytes:
        return self._master.unwrap(key.wrapped, KeyPlace(collection_id, key.key_id, use))

    def _open(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        secret = self._unwrap(collection_id, key, Use.DATA)
        return CollectionKey(secret, key.key_id, collection_id, self._telemetry)

    def _open_names(self, collection_id: UUID, key: WrappedKey) -> PseudonymKey:
        return PseudonymKey(self._unwrap(collection_id, key, Use.NAMES))

    def __repr__(self) -> str:
        return "Vault(***)"
