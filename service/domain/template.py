"""From samples to the template that is stored: its size, what is added to it, agreement, comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.domain.errors import InvalidEmbedding
from service.domain.face import EMBEDDING_SIZE, EmbeddedFace, Embedding

_Numbers: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""A vector of any norm, (n,)."""

MOST_SAMPLES = 100
"""As how many samples all that a template has seen counts at most, so that each new one weighs a
hundredth or more: a kiosk that adds one a day follows a face that ages, by half in ten weeks."""

UNIT_NORM_TOLERANCE = 0.01
"""How far the L2 norm of a given embedding may be from 1: room for floats printed with few digits."""

_SMALLEST_NORM, _LARGEST_NORM = 1e-6, 1e30
"""Between them float32 numbers can be divided by their norm, with room to spare."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainTemplate:
    """A subject's template in the clear, as more samples can be added to it. Never printed, never logged.

    `total`: the sum of the samples' embeddings, float32, (512,). `samples`: how many they are, from 1
    to `MOST_SAMPLES`. `embedding`: the mean direction of the samples, norm 1.

    Raises `InvalidEmbedding` where the samples cancel each other out.
    """

    total: NDArray[np.float32] = field(repr=False)
    samples: int
    embedding: Embedding = field(init=False, repr=False)

    def __post_init__(self) -> None:
        alone = self.samples == 1  # then it has norm 1
        direction = self.total if alone else _scaled(self.total, _norm(self.total))
        object.__setattr__(self, "embedding", direction)

    def joined_by(self, more: PlainTemplate) -> PlainTemplate:
        """The template of the samples of both, as if all had come at once.

        Beyond `MOST_SAMPLES` all that is in it weighs less, so that it counts as that many.
        Raises `InvalidEmbedding` where the two cancel each other out.
        """
        total = self.total.astype(np.float64) + more.total
        return _template(total, self.samples + more.samples)


def template_of(embeddings: Sequence[Embedding]) -> PlainTemplate:
    """The template of one person's samples (at least one, each (512,) with norm 1).

    Raises `InvalidEmbedding` for none at all, or for vectors that cancel each other out.
    """
    if not embeddings:
        raise InvalidEmbedding
    if len(embeddings) == 1:  # as most calls have it
        return PlainTemplate(embeddings[0], 1)
    return _template(np.sum(np.stack(embeddings), axis=0, dtype=np.float64), len(embeddings))


def _template(total: NDArray[np.float64], samples: int) -> PlainTemplate:
    """Raises `InvalidEmbedding` where `total` has no direction."""
    counted = min(samples, MOST_SAMPLES)
    return PlainTemplate((total * (counted / samples)).astype(np.float32), counted)


def normalize(vector: ArrayLike) -> Embedding:
    """Scale `vector` (any shape, flattened) to L2 norm 1, as float32.

    Raises `InvalidEmbedding` where it has no direction: zero, beyond all measure or not a number.
    """
    flat = np.asarray(vector, dtype=np.float64).ravel()
    return _scaled(flat, _norm(flat))


def _norm(numbers: _Numbers) -> float:
    """The L2 norm. Raises `InvalidEmbedding` where it is that of no direction."""
    norm = math.sqrt(_product(numbers, numbers))
    if not _SMALLEST_NORM <= norm <= _LARGEST_NORM:  # as of what is not a number
        raise InvalidEmbedding
    return norm


def _product(first: _Numbers, second: _Numbers) -> float:
    """The dot product in double precision, in one pass. NumPy gives up Python's lock for each pass over 500
    numbers or more, and where other threads wait, getting it back takes ten times as long as the pass.
    """
    return float(np.einsum("i,i", first, second, dtype=np.float64))


def _scaled(numbers: _Numbers, norm: float) -> NDArray[np.float32]:
    return (numbers / norm).astype(np.float32, copy=False)


def average(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean direction of `embeddings`, norm 1. Takes and raises what `template_of` does."""
    return template_of(embeddings).embedding


def cosine_similarity(first: ArrayLike, second: ArrayLike) -> float:
    """Cosine of the angle between two vectors of the same length, -1 to 1.

    Raises `InvalidEmbedding` where one has no direction or the lengths differ.
    """
    a, b = normalize(first), normalize(second)
    if a.shape != b.shape:
        raise InvalidEmbedding
    return similarity_of(a, b)


def similarity_of(first: Embedding, second: Embedding) -> float:
    """Cosine of the angle between two embeddings, -1 to 1: their product, since both have norm 1."""
    return min(1.0, max(-1.0, _product(first, second)))


def embedding_of(numbers: ArrayLike, dimensions: int = EMBEDDING_SIZE) -> Embedding:
    """A caller's numbers as an embedding of a model with `dimensions` meaningful numbers.

    Raises `InvalidEmbedding` unless there are 512 finite numbers of norm 1 (within 0.01), those
    past `dimensions` being zero: anything else did not come out of the served model.
    """
    vector = np.asarray(numbers, dtype=np.float64)
    if vector.shape != (EMBEDDING_SIZE,) or np.any(vector[dimensions:]):
        raise InvalidEmbedding
    norm = _norm(vector)
    if abs(norm - 1.0) > UNIT_NORM_TOLERANCE:
        raise InvalidEmbedding
    return _scaled(vector, norm)


def disagreeing(embeddings: Sequence[Embedding], threshold: float) -> tuple[int, ...]:
    """Positions of the samples that show somebody else than the others do; empty: all agree.

    Two samples agree when their cosine reaches `threshold`, and agreement passes on: a profile
    that matches only the half profile is still the same person. What remains unconnected to the
    largest group (of equals: the one with the earliest sample) disagrees.
    """
    if len(embeddings) == 1:  # as most calls have it
        return ()
    groups = _connected_groups(embeddings, threshold)
    if len(groups) <= 1:
        return ()
    largest = max(groups, key=lambda group: (len(group), -group[0]))
    return tuple(sorted(set(range(len(embeddings))) - set(largest)))


def _connected_groups(embeddings: Sequence[Embedding], threshold: float) -> list[list[int]]:
    unvisited = set(range(len(embeddings)))
    groups = []
    while unvisited:
        group = _reachable(min(unvisited), _agreement(embeddings, threshold))
        groups.append(group)
        unvisited -= set(group)
    return groups


def _agreement(embeddings: Sequence[Embedding], threshold: float) -> NDArray[np.bool_]:
    matrix = np.stack(embeddings).astype(np.float64)
    agree: NDArray[np.bool_] = matrix @ matrix.T >= threshold
    return agree


def _reachable(start: int, agree: NDArray[np.bool_]) -> list[int]:
    seen, edge = {start}, [start]
    while edge:
        found = {int(i) for i in np.flatnonzero(agree[edge.pop()])} - seen
        seen |= found
        edge.extend(found)
    return sorted(seen)


def embedded_face(numbers: ArrayLike) -> EmbeddedFace:
    """A recognizer's output, 512 numbers or fewer, as an embedding with the norm that it had.

    Zeros after it change neither norms nor cosines. Raises `InvalidEmbedding` where there is no direction.
    """
    flat = np.asarray(numbers, dtype=np.float32).ravel()
    norm = _norm(flat)
    embedding = _scaled(flat, norm)
    if embedding.size != EMBEDDING_SIZE:
        embedding = np.pad(embedding, (0, EMBEDDING_SIZE - embedding.size))
    return EmbeddedFace(embedding, norm)


def search_space(key_id: UUID, model_id: str) -> UUID:
    """The name of the space in which vectors of this model lie under this data key.

    Vectors of two spaces are never compared: cosines of two models mean nothing, nor do those of two
    rotations.
    """
    return uuid5(key_id, model_id)
