"""What seals and rotates, and what it is sealed under."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.collection import CollectionKeys, SealContext, SearchVector, WrappedKey
from service.domain.face import Embedding
from service.domain.search import Vectors


class CollectionKey(Protocol):
    """A collection's data key, open, and what can be done with it."""

    @property
    def key_id(self) -> UUID: ...

    def seal(self, plain: bytes, context: SealContext) -> bytes: ...

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `TemplateTampered`."""
        ...

    def is_named_by(self, sealed: bytes) -> bool:
        """Whether the value says that it was sealed with this key; opening it proves it."""
        ...

    def to_search_space(self, embedding: Embedding) -> SearchVector: ...

    def all_to_search_space(self, embeddings: Vectors) -> Vectors:
        """Many at once: (n, 512)."""
        ...

    def chain(self, content: bytes) -> bytes:
        """A keyed hash of a record of the audit log: 32 bytes."""
        ...


class NameKey(Protocol):
    """A collection's key for keyed hashes, open."""

    def pseudonym(self, subject_id: str) -> bytes:
        """A keyed hash of the subject's name: 32 bytes, the same for the same subject."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash of a request: 32 bytes."""
        ...


class Vault(Protocol):
    """Everything here raises `KeyServiceUnavailable` where the master key is kept elsewhere and
    that place does not answer.
    """

    def new_key(self, collection_id: UUID) -> WrappedKey:
        """A data key, for a collection or for what stands in the place of one."""
        ...

    def new_keys(self, collection_id: UUID, now: datetime) -> CollectionKeys:
        """The keys of a new collection."""
        ...

    def next_keys(self, collection_id: UUID, keys: CollectionKeys, now: datetime) -> CollectionKeys:
        """A new active key, the present one retiring; names stay what they are.

        `keys`: with none retiring.
        """
        ...

    def unlock(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        ...

    def unlock_names(self, collection_id: UUID, keys: CollectionKeys) -> NameKey:
        """Raises `MasterKeyInvalid`."""
        ...


class Rewrapping(Protocol):
    """From one master key to another."""

    def __call__(self, collection_id: UUID, keys: CollectionKeys) -> CollectionKeys:
        """The same keys, wrapped under the new master key, and opened with it as a proof.

        Raises `MasterKeyInvalid` where the old one does not open them, `KeyServiceUnavailable`.
        """
        ...
