"""Two-bit codes hold a search vector in two bits a dimension, and estimate cosines from them.

RaBitQ (https://arxiv.org/abs/2405.12497) estimates an inner product from such codes without bias. The
error's distribution follows from the random rotation that search vectors have been through, and not
from whose faces they are: measured, a standard deviation of 0.0165 at cosine 0 and less above, over
vectors that fill 64, 128 or all 512 dimensions alike.
"""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from service.domain.face import EMBEDDING_SIZE
from service.domain.search import BYTES_PER_HELD_ROW, Positions, Vectors
from service.search.collection_index import CodeKind

MARGIN = 0.08
"""By how much an estimate may be too low without a row being lost: 5.3 standard deviations at cosine
0.40, a chance of less than 1 in 10 million."""

COARSE_MARGIN = 0.10
"""FAISS looks at the coarse half of a code first, and passes over a row where that, with an allowance,
stays below the worst of the rows it keeps. So it is made to keep rows down to here: a row is then
passed over by mistake with a chance of less than 1 in 10 million
(docs/decisions/0008-search-in-memory.md)."""

BYTES_PER_ROW = BYTES_PER_HELD_ROW

FEWEST_KEPT = 32
"""Rows that a search keeps at least."""

MOST_PROBES = 0.9
"""Share of the probes that one search is to be enough for."""

_TWO_BITS = "RaBitQfs2"


class TwoBitCodes:
    """Implements `Codes`."""

    def __init__(self, positions: Positions, vectors: Vectors) -> None:
        """`positions`: (n,); `vectors`: (n, 512). Takes about 40 µs a row, without Python's lock."""
        self._index = _centered_index()
        self._index.add(np.ascontiguousarray(vectors))
        self.positions = positions
        self._kept = FEWEST_KEPT

    def __len__(self) -> int:
        return len(self.positions)

    def candidates(
        self, probes: Vectors, min_similarity: float, max_candidates: int
    ) -> list[Positions | None]:
        lists: list[Positions | None] = [None] * len(probes)
        left, kept = np.arange(len(probes)), self._kept
        while len(left) and kept <= max(max_candidates, 2 * FEWEST_KEPT):
            kept = min(kept, len(self))
            estimates, rows = self._index.search(probes[left], kept)
            all_seen = (estimates[:, -1] < min_similarity - COARSE_MARGIN) | (kept == len(self))
            for place in np.flatnonzero(all_seen):
                candidates = estimates[place] >= min_similarity - MARGIN
                lists[left[place]] = self.positions[rows[place][candidates]]
            self._learn(estimates, min_similarity)
            left, kept = left[~all_seen], 4 * kept
        return lists

    def _learn(self, estimates: NDArray[np.float32], min_similarity: float) -> None:
        """How many rows to keep next time: half as many again as most probes needed, now and before.
        The few that need more are searched twice.
        """
        needed = int(
            np.quantile((estimates >= min_similarity - COARSE_MARGIN).sum(axis=1), MOST_PROBES)
        )
        self._kept = max(FEWEST_KEPT, (self._kept + 3 * needed // 2) // 2)

    def merge(self, other: TwoBitCodes) -> None:
        self._index.merge_from(other._index, 0)
        self.positions = np.concatenate([self.positions, other.positions])

    def remove(self, rows: NDArray[np.int64]) -> None:
        if len(rows):
            self._index.remove_ids(faiss.IDSelectorBatch(rows))
            self.positions = np.delete(self.positions, rows)


def _centered_index() -> faiss.Index:
    """Distances are taken from the origin: search vectors have no other center, their rotation
    being random, and what is estimated then is the cosine itself.
    """
    index = faiss.index_factory(EMBEDDING_SIZE, _TWO_BITS, faiss.METRIC_INNER_PRODUCT)
    opposites = np.eye(2, EMBEDDING_SIZE, dtype=np.float32)
    index.train(np.concatenate([opposites, -opposites]))
    return index


def use_calling_thread_alone() -> None:
    """FAISS is to use the calling thread alone; to be called by that thread, once."""
    faiss.omp_set_num_threads(1)


TWO_BITS = CodeKind(BYTES_PER_ROW, TwoBitCodes, use_calling_thread_alone)
