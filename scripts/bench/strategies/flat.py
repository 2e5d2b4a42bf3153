"""Flat FAISS: every vector in memory in full, every one compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from scripts.bench.galleries import Population
from scripts.bench.loading import subject_id
from scripts.bench.strategies import AT_LEAST, LIMIT
from service.domain.errors import Candidate
from service.domain.face import EMBEDDING_SIZE, Embedding

BYTES_A_PERSON = EMBEDDING_SIZE * np.dtype(np.float32).itemsize


class FlatFaiss:
    """`people`: how many of the population, which is drawn anew: opened templates are the same."""

    name = "FAISS, flat"
    mates = 100
    is_ours = False

    def __init__(self, population: Population, people: int) -> None:
        self._population = population
        self._people = people
        self._index: Any = faiss.IndexFlatIP(EMBEDDING_SIZE)

    def build(self) -> float:
        """The seconds of adding alone: drawing the vectors is the benchmark's own business."""
        seconds = 0.0
        for _, vectors in self._population.chunks(0, self._people):
            started = time.perf_counter()
            self._index.add(vectors)
            seconds += time.perf_counter() - started
        return seconds

    def search(self, probe: Embedding) -> Sequence[Candidate]:
        cosines, numbers = self._index.search(probe[np.newaxis], min(LIMIT, self._people))
        return [
            Candidate(subject_id(number), float(cosine))
            for number, cosine in zip(numbers[0], cosines[0], strict=True)
            if cosine >= AT_LEAST
        ]

    def bytes_per_person(self) -> float:
        return BYTES_A_PERSON

    def close(self) -> None:
        self._index.reset()
