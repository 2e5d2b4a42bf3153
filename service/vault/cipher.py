"""The cipher is AES-256-GCM, and binds to a sealed value everything that it belongs to.

A sealed value is

    version (1 byte) | key id (16) | nonce (12) | ciphertext and tag (plain + 16)

The nonce is fresh for every sealing: random 96-bit nonces are safe for 2^32 sealings under one key
(NIST SP 800-38D, 8.3), and a key here serves one collection.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.domain.collection import SealContext

VERSION = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

_HEADER_BYTES = len(VERSION) + 16
_LENGTH_BYTES = 4


class AuthenticationFailed(Exception):
    """A sealed value does not open here. Whoever asked for it says what that means to a caller."""


class Cipher:
    """One key of one collection. Prints as `Cipher(<key id>, ***)`."""

    def __init__(self, secret: bytes, key_id: UUID, collection_id: UUID) -> None:
        self._aead = AESGCM(secret)
        self._key_id = key_id
        self._collection_id = collection_id
        self._header = VERSION + key_id.bytes

    def seal(self, plain: bytes, context: SealContext) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._header + nonce + self._aead.encrypt(nonce, plain, self._bound_to(context))

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `AuthenticationFailed` for whatever reason: which one would help an attacker only."""
        body = sealed[_HEADER_BYTES:]
        if not self.is_named_by(sealed) or len(body) < NONCE_BYTES + TAG_BYTES:
            raise AuthenticationFailed
        nonce, ciphertext = body[:NONCE_BYTES], body[NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, ciphertext, self._bound_to(context))
        except InvalidTag:
            raise AuthenticationFailed from None

    def is_named_by(self, sealed: bytes) -> bool:
        return sealed[:_HEADER_BYTES] == self._header

    def _bound_to(self, context: SealContext) -> bytes:
        """The associated data. Lengths come first, so that no two contexts read the same."""
        names = (context.subject_id, context.purpose, context.record)
        parts = (self._header, self._collection_id.bytes, *(name.encode() for name in names))
        return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)

    def __repr__(self) -> str:
        return f"Cipher({self._key_id}, ***)"
