"""The vault: one master key that wraps one data key per collection."""

from __future__ import annotations

import secrets
from functools import lru_cache
from uuid import UUID, uuid4

from service.domain.collection import SealContext, WrappedKey
from service.domain.errors import MasterKeyInvalid, TemplateTampered
from service.vault.cipher import KEY_BYTES, Cipher
from service.vault.collection_key import OpenCollectionKey
from service.vault.master_key import MasterKey

OPEN_KEYS = 128
"""Collections whose keys are kept open at a time; each may hold a rotation of 1 MiB."""

_WRAPPING = SealContext(subject_id="", purpose="data-key", record="")


class KeyRing:
    """Implements `Vault`. Safe to share between threads."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._opened = lru_cache(maxsize=OPEN_KEYS)(self._open)

    def new_key(self, collection_id: UUID) -> WrappedKey:
        key_id = uuid4()
        secret = secrets.token_bytes(KEY_BYTES)
        return WrappedKey(key_id, self._wrapping(key_id, collection_id).seal(secret, _WRAPPING))

    def unlock(self, collection_id: UUID, key: WrappedKey) -> OpenCollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        return self._opened(collection_id, key)

    def _open(self, collection_id: UUID, key: WrappedKey) -> OpenCollectionKey:
        try:
            secret = self._wrapping(key.key_id, collection_id).open(key.wrapped, _WRAPPING)
        except TemplateTampered:
            raise MasterKeyInvalid from None
        return OpenCollectionKey(secret, key.key_id, collection_id)

    def _wrapping(self, key_id: UUID, collection_id: UUID) -> Cipher:
        return Cipher(self._master.secret, key_id, collection_id)

    def __repr__(self) -> str:
        return "KeyRing(***)"
