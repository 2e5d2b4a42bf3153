"""New samples of enrolled people, whom a search must find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scripts.bench.galleries import Population
from scripts.bench.loading import subject_id
from scripts.bench.strategies import LIMIT
from service.domain.errors import Candidate
from service.domain.face import Embedding

LOWEST, HIGHEST = 0.40, 0.60
"""Cosines of probe and mate: from the threshold to what good photographs of one person have."""

_ROUNDING = 1e-5
"""A mate this close to the threshold would be found or not by how a cosine is rounded."""


@dataclass(frozen=True, slots=True)
class Mate:
    """`cosine`: of the probe with the template of `subject_id`."""

    subject_id: str
    probe: Embedding = field(repr=False)
    cosine: float

    def is_missed_by(self, answer: Sequence[Candidate]) -> bool:
        """Whether this mate belongs among those named and is not: there is room, or one who is
        less alike has its place.
        """
        if any(one.subject_id == self.subject_id for one in answer):
            return False
        return len(answer) < LIMIT or answer[-1].similarity < self.cosine - _ROUNDING


def mates_among(population: Population, people: int, number: int) -> list[Mate]:
    """Probes of `number` people, drawn from the first `people` of the population, each once."""
    random = np.random.default_rng([population.seed, people])
    chosen = np.sort(random.choice(people, min(number, people), replace=False))
    cosines = random.uniform(LOWEST + _ROUNDING, HIGHEST, len(chosen))
    vectors = np.concatenate(
        [
            drawn[chosen[(chosen >= first) & (chosen < first + len(drawn))] - first]
            for first, drawn in population.chunks(0, people)
        ]
    )
    probes = Population(population.seed + 1).probes(vectors, cosines)
    mates = [
        Mate(subject_id(one), probe, float(cosine))
        for one, probe, cosine in zip(chosen, probes, cosines, strict=True)
    ]
    return [mates[index] for index in random.permutation(len(mates))]
