"""Ways to find whoever looks like a probe, all asked the same question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from service.domain.errors import Candidate
from service.domain.face import Embedding
from service.domain.thresholds import ARCFACE, BALANCED
from service.usecases.duplicate_check import DUPLICATES_SHOWN

AT_LEAST = ARCFACE.profile(BALANCED).threshold
"""The cosine from which the service calls somebody a duplicate."""

LIMIT = DUPLICATES_SHOWN
"""How many it names."""


class Strategy(Protocol):
    """`mates`: of how many people it is asked for a new sample, in a full run."""

    @property
    def name(self) -> str: ...

    @property
    def mates(self) -> int: ...

    @property
    def is_ours(self) -> bool:
        """What the service does; all others are peers."""
        ...

    def build(self) -> float:
        """Makes ready to search the gallery as it is; the seconds that took."""
        ...

    def search(self, probe: Embedding) -> Sequence[Candidate]:
        """The `LIMIT` most similar subjects with a cosine of `AT_LEAST`, most similar first."""
        ...

    def bytes_per_person(self) -> float:
        """What it keeps beyond the rows of the database."""
        ...

    def close(self) -> None:
        """Gives back what `build` took."""
        ...
