"""Embeddings of invented people, and vectors at a chosen cosine from them."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import strategies as st

from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import normalize


def face_of(name: str) -> Embedding:
    """The same direction for the same name; two names are nearly orthogonal, as faces are."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return normalize(np.random.default_rng(seed).normal(size=EMBEDDING_SIZE))


def at_cosine(embedding: Embedding, cosine: float, aside: str = "aside") -> Embedding:
    """A vector of norm 1 at `cosine` from `embedding`, turned towards the face of `aside`."""
    base = embedding.astype(np.float64)
    other = face_of(aside).astype(np.float64)
    orthogonal = normalize(other - (other @ base) * base).astype(np.float64)
    return normalize(cosine * base + np.sqrt(1 - cosine**2) * orthogonal)


faces = st.integers(0, 2**32).map(lambda number: face_of(str(number)))
cosines = st.floats(-1.0, 1.0)
