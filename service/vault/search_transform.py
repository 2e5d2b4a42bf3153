"""The search transform is a secret rotation of the space of embeddings, one for each data key.

Cosines stay what they are, but the vectors mean nothing to whoever has not the secret, and vectors
of two collections cannot be matched against each other (ISO/IEC 24745). It is a second line, not
encryption: 512 known pairs of embedding and search vector give the rotation away.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from service.domain.face import EMBEDDING_SIZE

_MANTISSA_BITS = 53
_WORD_BITS = 64
_WORD_BYTES = 8


def search_transform(secret: bytes) -> NDArray[np.float32]:
    """The orthogonal matrix of `secret` (32 bytes), (512, 512), always the same for the same one.

    Uniformly distributed over all rotations and reflections: the Q of a Gaussian matrix, its signs
    fixed by R's diagonal (Mezzadri, "How to generate random matrices from the classical compact
    groups", 2007).
    """
    gaussian = _normals(secret, EMBEDDING_SIZE * EMBEDDING_SIZE)
    q, r = np.linalg.qr(gaussian.reshape(EMBEDDING_SIZE, EMBEDDING_SIZE))
    return (q * np.sign(np.diag(r))).astype(np.float32)


def _normals(secret: bytes, count: int) -> NDArray[np.float64]:
    """Standard normal numbers by Box and Muller, `count` even.

    Not NumPy's Generator: its streams may change from version to version (NEP 19), and stored
    search vectors must outlive that.
    """
    radius, angle = _uniforms(secret, count).reshape(2, -1)
    length = np.sqrt(-2.0 * np.log(radius))
    return np.concatenate([length * np.cos(2 * np.pi * angle), length * np.sin(2 * np.pi * angle)])


def _uniforms(secret: bytes, count: int) -> NDArray[np.float64]:
    """Numbers inside (0, 1), never 0: their logarithm is taken."""
    words = np.frombuffer(_key_stream(secret, count * _WORD_BYTES), dtype="<u8")
    mantissas = (words >> (_WORD_BITS - _MANTISSA_BITS)).astype(np.float64)
    return (mantissas + 0.5) / 2.0**_MANTISSA_BITS


def _key_stream(secret: bytes, size: int) -> bytes:
    """AES-256 in counter mode. The counter may start at zero: `secret` is used for nothing else."""
    start = bytes(algorithms.AES.block_size // 8)
    encryptor = Cipher(algorithms.AES(secret), modes.CTR(start)).encryptor()
    return encryptor.update(bytes(size)) + encryptor.finalize()
