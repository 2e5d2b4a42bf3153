"""How well a model tells people apart, measured on photographs of known people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from numpy.typing import NDArray

from service.domain.template import cosine_similarity


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Cosines of mated and of non-mated comparisons."""

    genuine: Sequence[float]
    impostor: Sequence[float]

    def false_non_match_rate(self, threshold: float) -> float:
        """Share of the mated ones below `threshold`, 0 to 1."""
        return sum(value < threshold for value in self.genuine) / len(self.genuine)

    def false_match_rate(self, threshold: float) -> float:
        """Share of the others at or above `threshold`, 0 to 1."""
        return sum(value >= threshold for value in self.impostor) / len(self.impostor)


def photographs_compared(people: Mapping[str, Sequence[NDArray[Any]]]) -> Comparisons:
    """Every photograph against every other, by the vectors of each person's."""
    genuine = [
        cosine_similarity(one, other)
        for vectors in people.values()
        for one, other in combinations(vectors, 2)
    ]
    impostor = [
        cosine_similarity(one, other)
        for mine, theirs in combinations(people.values(), 2)
        for one, other in product(mine, theirs)
    ]
    return Comparisons(genuine, impostor)
