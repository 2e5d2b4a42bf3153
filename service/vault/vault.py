"""A vault holds one master key, which wraps the keys of every collection.

A collection has a data key, from which every use derives a key of its own, and a pseudonym key for
keyed hashes of subject ids and requests. One of the uses is the search transform, a secret rotation
of the space of embeddings: cosines stay what they are, but the vectors mean nothing to whoever has
not the secret, and vectors of two collections cannot be matched against each other (ISO/IEC 24745).
It is a second line, not encryption: 512 known pairs of embedding and search vector give it away.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from functools import cached_property, lru_cache, partial
from uuid import UUID, uuid4

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher as StreamCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from service.domain.chain import Keyed
from service.domain.collection import CollectionKeys, SealContext, SearchVector, WrappedKey
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.frame_hash import FEATURES, HASH_BITS, mirrored
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.domain.search import Vectors
from service.vault.cipher import KEY_BYTES, Cipher
from service.vault.master_key import KeyPlace, KeyWrapper, Use

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
    encryptor = StreamCipher(algorithms.AES(secret), modes.CTR(start)).encryptor()
    return encryptor.update(bytes(size)) + encryptor.finalize()


OPEN_KEYS = 128
"""Data keys that are kept open at a time, and as many pseudonym keys; a data key may hold a search
transform of 1 MiB."""

# Stored rows depend on these words: another word is another key.
_SEALING = b"face/v1/sealing"
_SEARCH = b"face/v1/search-rotation"
_CHAIN = b"face/v1/audit-chain"
_FRAMES = b"face/v1/frame-directions"


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
        self._cipher = Cipher(_derived(secret, _SEALING), key_id, collection_id)
        self.chain: Keyed = partial(hmac.digest, _derived(secret, _CHAIN), digest="sha256")
        """A keyed hash of a record of the audit log: 32 bytes."""

    def seal(self, plain: bytes, context: SealContext) -> bytes:
        return self._cipher.seal(plain, context)

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `AuthenticationFailed`."""
        with self._telemetry.stage("open"):
            return self._cipher.open(sealed, context)

    def is_named_by(self, sealed: bytes) -> bool:
        """Whether the value says that it was sealed with this key; opening it proves it."""
        return self._cipher.is_named_by(sealed)

    def to_search_space(self, embedding: Embedding) -> SearchVector:
        return SearchVector(self._transform @ embedding)

    def all_to_search_space(self, embeddings: Vectors) -> Vectors:
        """Many at once: (n, 512)."""
        return embeddings @ self._transform.T

    @cached_property
    def _transform(self) -> NDArray[np.float32]:
        """Made when first needed: it takes tens of milliseconds, once for each key."""
        return search_transform(_derived(self._secret, _SEARCH))

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

    def frame_hash(self, features: bytes) -> bytes:
        """64 bytes: a perceptual hash of a frame (256 signed bytes), then that of its mirror image.

        On which side of 256 secret planes the frame lies (Charikar, "Similarity estimation techniques from
        rounding algorithms", 2002): like frames have like hashes, under this key.
        """
        both = np.frombuffer(features + mirrored(features), np.int8).reshape(2, FEATURES)
        return np.packbits(both @ self._directions > 0).tobytes()

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        """(FEATURES, HASH_BITS): across the planes."""
        secret = _derived(self._fingerprint_key, _FRAMES)
        normals = _normals(secret, FEATURES * HASH_BITS)
        return normals.reshape(FEATURES, HASH_BITS).astype(np.float32)

    def __repr__(self) -> str:
        return "PseudonymKey(***)"


class Vault:
    """Everything here raises `KeyServiceUnavailable` where the master key is kept elsewhere and that
    place does not answer. Safe to share between threads.
    """

    def __init__(self, master: KeyWrapper, telemetry: Telemetry = NO_TELEMETRY) -> None:
        self._master = master
        self._telemetry = telemetry
        self._opened = lru_cache(maxsize=OPEN_KEYS)(self._open)
        self._opened_pseudonyms = lru_cache(maxsize=OPEN_KEYS)(self._open_pseudonyms)

    def new_key(self, collection_id: UUID) -> WrappedKey:
        """A data key, for a collection or for what stands in the place of one."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), collection_id, Use.DATA)

    def new_keys(self, collection_id: UUID, now: datetime) -> CollectionKeys:
        """The keys of a new collection."""
        pseudonyms = self._wrap(secrets.token_bytes(2 * KEY_BYTES), collection_id, Use.PSEUDONYMS)
        return CollectionKeys(self.new_key(collection_id), now, pseudonyms)

    def next_keys(self, collection_id: UUID, keys: CollectionKeys, now: datetime) -> CollectionKeys:
        """A new active key, the present one retiring; pseudonyms stay what they are.

        `keys`: with none retiring.
        """
        return CollectionKeys(
            self.new_key(collection_id), now, keys.pseudonyms, retiring=keys.active
        )

    def unlock(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        return self._opened(collection_id, key)

    def unlock_pseudonyms(self, collection_id: UUID, keys: CollectionKeys) -> PseudonymKey:
        """Raises `MasterKeyInvalid`."""
        return self._opened_pseudonyms(collection_id, keys.pseudonyms)

    def _wrap(self, secret: bytes, collection_id: UUID, use: Use) -> WrappedKey:
        key_id = uuid4()
        return WrappedKey(key_id, self._master.wrap(secret, KeyPlace(collection_id, key_id, use)))

    def _unwrap(self, collection_id: UUID, key: WrappedKey, use: Use) -> bytes:
        return self._master.unwrap(key.wrapped, KeyPlace(collection_id, key.key_id, use))

    def _open(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        secret = self._unwrap(collection_id, key, Use.DATA)
        return CollectionKey(secret, key.key_id, collection_id, self._telemetry)

    def _open_pseudonyms(self, collection_id: UUID, key: WrappedKey) -> PseudonymKey:
        return PseudonymKey(self._unwrap(collection_id, key, Use.PSEUDONYMS))

    def __repr__(self) -> str:
        return "Vault(***)"


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes. No salt: the data key is uniformly random already (RFC 5869, 3.1)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)
