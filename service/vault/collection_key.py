"""A collection's data key, open. Every use has a key of its own, derived from it."""

from __future__ import annotations

import hmac
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.domain.collection import SealContext, SearchVector
from service.domain.face import Embedding
from service.domain.search import Vectors
from service.vault.cipher import Cipher
from service.vault.derivation import derive
from service.vault.rotation import rotation

_SEALING = b"face/v1/sealing"
_SEARCH = b"face/v1/search-rotation"
_CHAIN = b"face/v1/audit-chain"


class OpenCollectionKey:
    """Implements `CollectionKey`. Prints its id and `***`."""

    def __init__(self, secret: bytes, key_id: UUID, collection_id: UUID) -> None:
        self.key_id = key_id
        self._secret = secret
        self._cipher = Cipher(derive(secret, _SEALING), key_id, collection_id)
        self._chain_key = derive(secret, _CHAIN)

    def seal(self, plain: bytes, context: SealContext) -> bytes:
        return self._cipher.seal(plain, context)

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `TemplateTampered`."""
        return self._cipher.open(sealed, context)

    def is_named_by(self, sealed: bytes) -> bool:
        return self._cipher.is_named_by(sealed)

    def to_search_space(self, embedding: Embedding) -> SearchVector:
        return SearchVector(self._rotation @ embedding)

    def all_to_search_space(self, embeddings: Vectors) -> Vectors:
        """(n, 512)."""
        return embeddings @ self._rotation.T

    def chain(self, content: bytes) -> bytes:
        return hmac.digest(self._chain_key, content, "sha256")

    @cached_property
    def _rotation(self) -> NDArray[np.float32]:
        """Made when first needed: it takes tens of milliseconds, once for each key."""
        return rotation(derive(self._secret, _SEARCH))

    def __repr__(self) -> str:
        return f"OpenCollectionKey({self.key_id}, ***)"
