"""A search's threshold rises with the number of people, so that it names few strangers among them.

A search over N people makes N comparisons: it names N x FMR strangers on average, with the same threshold
the more the larger the gallery is. Where a calibration has measured the rate at many thresholds, the
search takes the least one at which that number stays within the collection's limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.domain.thresholds import OperatingPoint, Profile
from service.domain.warnings import DecisionWarning, WarningCode

MAX_FALSE_CANDIDATES = 0.1
"""Strangers that a search may name on average, unless the collection says otherwise: one in ten searches
of somebody who is not enrolled names anybody."""


@dataclass(frozen=True, slots=True)
class SearchThreshold:
    """The operating point of a search. `comparisons`: one for each person and probe.

    `threshold`: at or above that of `profile`, which was asked for. `false_match_rate`: at it; None
    where nobody has measured it.
    """

    profile: Profile
    threshold: float
    false_match_rate: float | None
    comparisons: int
    max_false_candidates: float

    @property
    def expected_false_candidates(self) -> float | None:
        """How many strangers it names on average. With a measured rate, not more than that."""
        rate = self.false_match_rate
        return None if rate is None else self.comparisons * rate

    @property
    def warnings(self) -> list[DecisionWarning]:
        expected, most = self.expected_false_candidates, self.max_false_candidates
        if expected is None:
            return self.profile.warnings
        if expected > most:
            return [DecisionWarning(WarningCode.SEARCH_NAMES_STRANGERS, expected, most)]
        return []


def search_threshold(
    profile: Profile,
    points: Sequence[OperatingPoint],
    comparisons: int,
    max_false_candidates: float = MAX_FALSE_CANDIDATES,
) -> SearchThreshold:
    """The least threshold at which so many comparisons name so few strangers; never below the profile's.

    `points`: measured ones, thresholds rising and rates falling. Where none is strict enough, it is the
    least of those with the lowest rate, and the warning stays.

    >>> door = Profile("door", 0.4, 1e-3)
    >>> points = [OperatingPoint(0.4, 1e-3), OperatingPoint(0.5, 1e-5), OperatingPoint(0.6, 1e-6)]
    >>> [search_threshold(door, points, people).threshold for people in (100, 101, 100_000, 10**9)]
    [0.4, 0.5, 0.6, 0.6]
    """
    measured = list(_from(profile, points))
    kept = (one for one in measured if comparisons * one.false_match_rate <= max_false_candidates)
    strictest = min(measured, key=lambda one: one.false_match_rate, default=None)
    chosen = next(kept, strictest)
    if chosen is None:
        return SearchThreshold(profile, profile.threshold, None, comparisons, max_false_candidates)
    return SearchThreshold(
        profile, chosen.threshold, chosen.false_match_rate, comparisons, max_false_candidates
    )


def _from(profile: Profile, points: Sequence[OperatingPoint]) -> Iterator[OperatingPoint]:
    """The operating points from the profile's on, as far as they were measured."""
    if profile.most_false_matches is not None:
        yield OperatingPoint(profile.threshold, profile.most_false_matches)
    yield from (one for one in points if one.threshold > profile.threshold)
