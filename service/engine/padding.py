"""Models with fewer numbers than an embedding has."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import normalize


def embedding_from(numbers: ArrayLike) -> Embedding:
    """At most 512 numbers as an embedding: zeros after them, norm 1.

    Zeros change neither norms nor cosines. Raises `InvalidEmbedding` where there is no direction.
    """
    short = np.asarray(numbers, dtype=np.float64).ravel()
    return normalize(np.pad(short, (0, EMBEDDING_SIZE - short.size)))
