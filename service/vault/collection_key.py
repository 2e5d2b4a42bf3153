"""The open keys of a collection: its data key, and its key for keyed hashes.

Every use of the data key has a key of its own, derived from it.
"""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property
from uuid import UUID

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from service.domain.collection import SealContext, SearchVector
from service.domain.face import Embedding
from service.domain.ports import Telemetry
from service.domain.search import Vectors
from service.vault.cipher import KEY_BYTES, Cipher
from service.vault.search_transform import rotation


def derive(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes. No salt: the data key is uniformly random already (RFC 5869, 3.1)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


_SEALING = b"face/v1/sealing"
_SEARCH = b"face/v1/search-rotation"
_CHAIN = b"face/v1/audit-chain"


class CollectionKey:
    """A collection's data key, open: it seals, opens, moves to search space and chains.

    Prints its id and `***`.
    """

    def __init__(
        self, secret: bytes, key_id: UUID, collection_id: UUID, telemetry: Telemetry
    ) -> None:
        self.key_id = key_id
        self._telemetry = telemetry
        self._secret = secret
        self._cipher = Cipher(derive(secret, _SEALING), key_id, collection_id)
        self._chain_key = derive(secret, _CHAIN)

    def seal(self, plain: bytes, context: SealContext) -> bytes:
        return self._cipher.seal(plain, context)

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `TemplateTampered`."""
        with self._telemetry.stage("open"):
            return self._cipher.open(sealed, context)

    def is_named_by(self, sealed: bytes) -> bool:
        """Whether the value says that it was sealed with this key; opening it proves it."""
        return self._cipher.is_named_by(sealed)

    def to_search_space(self, embedding: Embedding) -> SearchVector:
        return SearchVector(self._rotation @ embedding)

    def all_to_search_space(self, embeddings: Vectors) -> Vectors:
        """Many at once: (n, 512)."""
        return embeddings @ self._rotation.T

    def chain(self, content: bytes) -> bytes:
        """A keyed hash of a record of the audit log: 32 bytes."""
        return hmac.digest(self._chain_key, content, "sha256")

    @cached_property
    def _rotation(self) -> NDArray[np.float32]:
        """Made when first needed: it takes tens of milliseconds, once for each key."""
        return rotation(derive(self._secret, _SEARCH))

    def __repr__(self) -> str:
        return f"CollectionKey({self.key_id}, ***)"


class PseudonymKey:
    """A collection's key for keyed hashes, open. Prints as `***`."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 64 bytes, one half for each use."""
        self._pseudonym_key, self._fingerprint_key = secret[:KEY_BYTES], secret[KEY_BYTES:]

    def pseudonym(self, subject_id: str) -> bytes:
        """A keyed hash of the subject's id: 32 bytes, the same for the same subject."""
        return hmac.digest(self._pseudonym_key, subject_id.encode(), "sha256")

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash of a request: 32 bytes."""
        return hmac.digest(self._fingerprint_key, content, "sha256")

    def __repr__(self) -> str:
        return "PseudonymKey(***)"


def new_name_secret() -> bytes:
    return secrets.token_bytes(2 * KEY_BYTES)
