"""One secret, a key of its own for each use."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.vault.cipher import KEY_BYTES


def derive(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes. No salt: the data key is uniformly random already (RFC 5869, 3.1)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)
