"""People who do not exist, with embeddings distributed as real ones are.

An embedding is `normalize(m + z)`: `m` is the same for everybody, `z` is Gaussian, independent from
axis to axis, with variances that fall geometrically from the first of 512 axes to the last. Two
numbers say it all:

- the mean cosine of two strangers, 0.02, is |m|² / (|m|² + |z|²);
- the effective dimension of `z`, (Σ variance)² / Σ variance² = 128, makes their standard deviation
  0.98 / √128 = 0.087.

Where the numbers come from: between 40 photographs of 8 people, embedded by the small pack
`mobile_s`, 700 impostor cosines have mean 0.02, standard deviation 0.10 and maximum 0.29; the
threshold that is published for the larger `buffalo_l`, 0.4078 at a false match rate of 10⁻⁶, is
4.75 standard deviations from the mean if one is 0.082. 0.087 lies between: of a million strangers a
few reach a cosine of 0.40 with a probe, and have to be told from its mate. Vectors that fill all 512
dimensions evenly (standard deviation 0.044) would make every search look easier than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain.face import EMBEDDING_SIZE

Vectors = NDArray[np.float32]
"""(n, 512), each row with L2 norm 1."""

MEAN_COSINE = 0.02
EFFECTIVE_DIMENSION = 128

BLOCK = 4_096
"""People who are drawn from one random stream: a gallery is the same however it is cut."""

_RATIO = (EFFECTIVE_DIMENSION - 1) / (EFFECTIVE_DIMENSION + 1)
"""Of one axis's variance to that before: (Σ rⁱ)² / Σ r²ⁱ = (1 + r) / (1 - r), up to r⁵¹² = 0.0003."""


@dataclass(frozen=True, slots=True)
class Population:
    """Any number of people, numbered from 0; the same ones for the same `seed`."""

    seed: int = 0

    def people(self, first: int, count: int) -> Vectors:
        """The embeddings of those numbered `first` to `first + count - 1`."""
        last = first + count
        blocks = range(first // BLOCK, -(-last // BLOCK))
        drawn = [self._block(number) for number in blocks]
        if not drawn:
            return np.empty((0, EMBEDDING_SIZE), np.float32)
        start = first - blocks.start * BLOCK
        return np.concatenate(drawn)[start : start + count]

    def chunks(self, first: int, last: int, size: int = 4 * BLOCK) -> Iterator[tuple[int, Vectors]]:
        """Everybody from `first` to `last - 1`, with the number of each chunk's first person."""
        for start in range(first, last, size):
            yield start, self.people(start, min(size, last - start))

    def probes(self, mates: Vectors, cosines: NDArray[np.float64], first: int = 0) -> Vectors:
        """New samples of enrolled people: row i has the cosine `cosines[i]` with `mates[i]`.

        What a probe does not share with its mate is drawn from this population, from person
        `first` on, who must be nobody in the gallery: use another seed.
        """
        others = self.people(first, len(mates)).astype(np.float64)
        known = _unit(mates.astype(np.float64))
        apart = _unit(others - np.sum(others * known, axis=1, keepdims=True) * known)
        cosine = cosines[:, np.newaxis]
        return (cosine * known + np.sqrt(1 - cosine**2) * apart).astype(np.float32)

    def _block(self, number: int) -> Vectors:
        random = np.random.default_rng([self.seed, number])
        drawn = random.standard_normal((BLOCK, EMBEDDING_SIZE), dtype=np.float32)
        drawn *= _DEVIATIONS
        drawn += _SHARED
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        return drawn


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _deviations() -> NDArray[np.float32]:
    """Of each axis; their squares add up to 1."""
    variances = _RATIO ** np.arange(EMBEDDING_SIZE)
    return np.asarray(np.sqrt(variances / variances.sum()), np.float32)


def _shared() -> NDArray[np.float32]:
    """What all faces have in common, evenly over the axes."""
    squared_norm = MEAN_COSINE / (1 - MEAN_COSINE)
    return np.full(EMBEDDING_SIZE, np.sqrt(squared_norm / EMBEDDING_SIZE), np.float32)


_DEVIATIONS, _SHARED = _deviations(), _shared()
