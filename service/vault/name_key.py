"""A collection's key for keyed hashes: people's pseudonyms, requests' fingerprints."""

from __future__ import annotations

import hmac
import secrets

from service.vault.cipher import KEY_BYTES


class OpenNameKey:
    """Implements `NameKey`. `secret`: 64 bytes, one half for each use. Prints as `***`."""

    def __init__(self, secret: bytes) -> None:
        self._pseudonym_key, self._fingerprint_key = secret[:KEY_BYTES], secret[KEY_BYTES:]

    def pseudonym(self, subject_id: str) -> bytes:
        return hmac.digest(self._pseudonym_key, subject_id.encode(), "sha256")

    def fingerprint(self, content: bytes) -> bytes:
        return hmac.digest(self._fingerprint_key, content, "sha256")

    def __repr__(self) -> str:
        return "OpenNameKey(***)"


def new_name_secret() -> bytes:
    return secrets.token_bytes(2 * KEY_BYTES)
