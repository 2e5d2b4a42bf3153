"""From samples to the template that is stored: its size, what is added to it, agreement, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.domain.errors import InvalidEmbedding
from service.domain.face import EMBEDDING_SIZE, EmbeddedFace, Embedding

MOST_SAMPLES = 100
"""As how many samples all that a template has seen counts at most, so that each new one weighs a
hundredth or more: a kiosk that adds one a day follows a face that ages, by half in ten weeks."""

UNIT_NORM_TOLERANCE = 0.01
"""How far the L2 norm of a given embedding may be from 1: room for floats printed with few digits."""

_SMALLEST_NORM = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PlainTemplate:
    """A subject's template in the clear, as more samples can be added to it. Never printed, never logged.

    `total`: the sum of the samples' embeddings, float32, (512,). `samples`: how many they are, from 1
    to `MOST_SAMPLES`.
    """

    total: NDArray[np.float32] = field(repr=False)
    samples: int

    @property
    def embedding(self) -> Embedding:
        """The mean direction of the samples, norm 1."""
        return normalize(self.total)

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
    return _template(np.sum(np.stack(embeddings), axis=0, dtype=np.float64), len(embeddings))


def _template(total: NDArray[np.float64], samples: int) -> PlainTemplate:
    """Raises `InvalidEmbedding` where `total` has no direction."""
    counted = min(samples, MOST_SAMPLES)
    template = PlainTemplate((total * (counted / samples)).astype(np.float32), counted)
    _ = template.embedding  # fails where the samples cancel each other out
    return template


def normalize(vector: ArrayLike) -> Embedding:
    """Scale `vector` (any shape, flattened) to L2 norm 1, as float32.

    Raises `InvalidEmbedding` where it has no direction: zero, infinite or not a number.
    """
    flat = np.asarray(vector, dtype=np.float64).ravel()
    norm = float(np.linalg.norm(flat))
    if not np.isfinite(norm) or norm < _SMALLEST_NORM:
        raise InvalidEmbedding
    return (flat / norm).astype(np.float32)


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
    return float(np.clip(np.dot(a.astype(np.float64), b.astype(np.float64)), -1.0, 1.0))


def embedding_of(numbers: ArrayLike, dimensions: int = EMBEDDING_SIZE) -> Embedding:
    """A caller's numbers as an embedding of a model with `dimensions` meaningful numbers.

    Raises `InvalidEmbedding` unless there are 512 finite numbers of norm 1 (within 0.01), those
    past `dimensions` being zero: anything else did not come out of the served model.
    """
    vector = np.asarray(numbers, dtype=np.float64)
    if vector.shape != (EMBEDDING_SIZE,) or not np.all(np.abs(vector) <= 1 + UNIT_NORM_TOLERANCE):
        raise InvalidEmbedding
    if abs(float(np.linalg.norm(vector)) - 1.0) > UNIT_NORM_TOLERANCE:
        raise InvalidEmbedding
    if np.any(vector[dimensions:]):
        raise InvalidEmbedding
    return normalize(vector)


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


def embedding_from(numbers: ArrayLike) -> Embedding:
    """At most 512 numbers as an embedding: zeros after them, norm 1.

    Zeros change neither norms nor cosines. Raises `InvalidEmbedding` where there is no direction.
    """
    short = np.asarray(numbers, dtype=np.float64).ravel()
    return normalize(np.pad(short, (0, EMBEDDING_SIZE - short.size)))


def embedded_face(numbers: ArrayLike) -> EmbeddedFace:
    """A recognizer's output as an embedding, with the norm that it had.

    Raises `InvalidEmbedding` where there is no direction.
    """
    return EmbeddedFace(embedding_from(numbers), float(np.linalg.norm(numbers)))


def search_space(key_id: UUID, model_id: str) -> UUID:
    """The name of the space in which vectors of this model lie under this data key.

    Vectors of two spaces are never compared: cosines of two models mean nothing, nor do those of two
    rotations.
    """
    return uuid5(key_id, model_id)
