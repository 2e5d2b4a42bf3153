"""Search vectors of people who do not exist."""

from __future__ import annotations

from functools import cache
from uuid import UUID

import numpy as np

from service.domain.face import EMBEDDING_SIZE
from service.domain.search import Positions, Vectors, WriteWatermark, WrittenRows

COLLECTION = UUID(int=1)
EPOCH = UUID(int=2)
KEY, OTHER_KEY = UUID(int=3), UUID(int=4)


def crowd(number: int, seed: int = 0, dimensions: int = EMBEDDING_SIZE) -> Vectors:
    """(number, 512), of norm 1, filling so many of the 512 dimensions."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((number, dimensions)).astype(np.float32)
    turned = vectors @ _turn()[:dimensions]
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True))


def mates(of: Vectors, cosine: float, seed: int = 1) -> Vectors:
    """For each vector another one at this cosine."""
    others = crowd(len(of), seed)
    others -= np.sum(others * of, axis=1, keepdims=True) * of
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    return np.float32(cosine) * of + np.float32(np.sqrt(1 - cosine**2)) * others


def numbered(number: int, after: int = 0) -> Positions:
    return np.arange(after + 1, after + 1 + number)


def rows(vectors: Vectors, after: int = 0, key_id: UUID = KEY) -> WrittenRows:
    return WrittenRows(key_id, numbered(len(vectors), after), vectors)


def mark(last_row_sequence: int, deleted_count: int = 0, epoch: UUID = EPOCH) -> WriteWatermark:
    return WriteWatermark(COLLECTION, epoch, last_row_sequence, deleted_count)


@cache
def _turn() -> Vectors:
    """A random rotation, as search vectors have been through."""
    turn, _ = np.linalg.qr(np.random.default_rng(99).standard_normal((EMBEDDING_SIZE,) * 2))
    return turn.astype(np.float32)
