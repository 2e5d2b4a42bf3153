"""Search vectors as codes of two bits a dimension, and the rows that come near a probe.

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
from service.domain.search import Positions, Vectors

MARGIN = 0.10
"""By how much an estimate may be too low without a row being lost: six standard deviations. The
coarse half of a code is looked at first, and passes over a row with a chance of less than 1 in 10
million where its cosine is exactly what was asked for (docs/decisions/0008-search-in-memory.md)."""

BYTES_PER_ROW = 156
"""148 of code and its factors, 8 of position."""

FIRST_GUESS = 64
"""Rows asked for at first: about twice as many as come near in 65,536 rows at a cosine of 0.40."""

_TWO_BITS = "RaBitQfs2"


class Codes:
    """Rows under one key. Whoever changes it keeps others from searching it meanwhile."""

    def __init__(self, positions: Positions, vectors: Vectors) -> None:
        """`positions`: (n,); `vectors`: (n, 512). Takes about 40 µs a row, without Python's lock."""
        self._index = _centred_index()
        self._index.add(np.ascontiguousarray(vectors))
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def near(self, probes: Vectors, at_least: float, most: int) -> list[Positions | None]:
        """For each probe, the rows that may have a cosine of `at_least`; None where those are more
        than `most`.
        """
        lists: list[Positions | None] = [None] * len(probes)
        left, wanted = np.arange(len(probes)), FIRST_GUESS
        while len(left) and wanted <= max(most, FIRST_GUESS):
            wanted = min(wanted, len(self))
            estimates, rows = self._index.search(probes[left], wanted)
            near = estimates >= at_least - MARGIN
            all_seen = ~near[:, -1] | (wanted == len(self))
            for place in np.flatnonzero(all_seen):
                lists[left[place]] = self.positions[rows[place][near[place]]]
            left, wanted = left[~all_seen], 4 * wanted
        return lists

    def absorb(self, other: Codes) -> None:
        """Take over the rows of `other`, which is of no use afterwards."""
        self._index.merge_from(other._index, 0)
        self.positions = np.concatenate([self.positions, other.positions])

    def not_among(self, living: Positions) -> NDArray[np.int64]:
        """Which rows, by their number here, are at other positions than these ascending ones."""
        if not len(living):
            return np.arange(len(self))
        places = np.minimum(np.searchsorted(living, self.positions), len(living) - 1)
        return np.flatnonzero(living[places] != self.positions)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """By their number here."""
        if len(rows):
            self._index.remove_ids(faiss.IDSelectorBatch(rows))
            self.positions = np.delete(self.positions, rows)


def _centred_index() -> faiss.Index:
    """Distances are taken from the origin: search vectors have no other centre, their rotation
    being random, and what is estimated then is the cosine itself.
    """
    index = faiss.index_factory(EMBEDDING_SIZE, _TWO_BITS, faiss.METRIC_INNER_PRODUCT)
    opposites = np.eye(2, EMBEDDING_SIZE, dtype=np.float32)
    index.train(np.concatenate([opposites, -opposites]))
    return index


def threads_of_its_own() -> None:
    """FAISS is to use the calling thread alone; to be called by that thread, once."""
    faiss.omp_set_num_threads(1)
