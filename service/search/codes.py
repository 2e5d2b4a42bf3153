"""What the memory keeps of search vectors, of whatever kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from service.domain.search import Positions, Vectors


class Codes(Protocol):
    """Rows under one key. Whoever changes it keeps others from searching it meanwhile."""

    positions: Positions

    def __len__(self) -> int: ...

    def near(self, probes: Vectors, at_least: float, most: int) -> list[Positions | None]:
        """For each probe, the rows that may have a cosine of `at_least`; None where those are more
        than `most`.
        """
        ...

    def absorb(self, other: Self) -> None:
        """Take over the rows of `other`, which is of no use afterwards."""
        ...

    def remove(self, rows: NDArray[np.int64]) -> None:
        """By their number here."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """`bytes_per_row`: position included. `encode`: of positions (n,) and vectors (n, 512).
    `begin_thread`: called once by each thread that is to encode or search.
    """

    bytes_per_row: int
    encode: Callable[[Positions, Vectors], Codes]
    begin_thread: Callable[[], None] | None = None


def not_among(living: Positions, positions: Positions) -> NDArray[np.int64]:
    """Which of `positions`, by their number, are not in `living`, which is ascending."""
    if not len(living):
        return np.arange(len(positions))
    places = np.minimum(np.searchsorted(living, positions), len(living) - 1)
    return np.flatnonzero(living[places] != positions)
