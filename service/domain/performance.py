"""How well a model tells people apart: its error rates at profiles, at wanted rates, and for groups.

`error_rates` says what a rate is and how it is bounded, `comparisons` what is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain.comparisons import (
    EVERY_SCORE,
    TEMPLATE_SIZES,
    LabeledSamples,
    PersonCounts,
    ScoreCounts,
    Templates,
    count_by_person,
    count_scores,
    templates_of,
    threshold_grid,
)
from service.domain.error_rates import RULE_OF_THREE, Counts, Rate, rate_by_people, upper_bounds
from service.domain.thresholds import OperatingPoint

WANTED_RATES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""False match rates for which thresholds are looked for."""

LEAST_STEP = 0.98
"""Of one operating point's rate to the one before: 2 % finer is nobody's gain, and 600 points are enough."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Both errors at one threshold."""

    threshold: float
    false_match: Rate
    false_non_match: Rate


@dataclass(frozen=True, slots=True)
class WantedRate:
    """`at`: the least threshold at which the false match rate was no higher; None where there are not
    enough comparisons to tell. `assured`: the least at which its upper bound is no higher.
    """

    false_match_rate: float
    at: Rates | None
    assured: Rates | None


@dataclass(frozen=True, slots=True)
class GroupRates:
    """`group`: None: comparisons of people of different groups. `profiles`: rates by profile."""

    group: int | None
    people: int
    profiles: Mapping[str, Rates]


@dataclass(frozen=True, slots=True)
class SizeRates:
    """Of templates of `size` photographs, each compared with single photographs."""

    size: int
    templates: int
    counts: ScoreCounts
    profiles: Mapping[str, Rates]
    wanted: Sequence[WantedRate]
    groups: Sequence[GroupRates]


def rates_by_size(samples: LabeledSamples, profiles: Mapping[str, float]) -> list[SizeRates]:
    """`profiles`: their thresholds. Of every size for which there are enough photographs."""
    sizes = (templates_of(samples, size) for size in TEMPLATE_SIZES)
    return [_size_rates(each, samples, profiles) for each in sizes if each is not None]


def rates_of_photographs(samples: LabeledSamples, threshold: float) -> Rates:
    """Every photograph with every other. At least two people must have two."""
    single = templates_of(samples, 1)
    if single is None:
        raise ValueError("nobody has two photographs")
    return _RatesAt(single, samples, [threshold]).rates(threshold)


def _size_rates(
    templates: Templates, samples: LabeledSamples, profiles: Mapping[str, float]
) -> SizeRates:
    counts = count_scores(templates, samples, threshold_grid([*profiles.values()]))
    found = {wanted: _thresholds_for(wanted, counts) for wanted in WANTED_RATES}
    thresholds = [*profiles.values(), *(one for pair in found.values() for one in pair)]
    told = _RatesAt(templates, samples, sorted({one for one in thresholds if one is not None}))
    return SizeRates(
        templates.size,
        len(templates),
        counts,
        {name: told.rates(threshold) for name, threshold in profiles.items()},
        [WantedRate(wanted, *map(told.rates_where_told, pair)) for wanted, pair in found.items()],
        [*told.groups(profiles)] if samples.groups > 1 else [],
    )


def _thresholds_for(wanted: float, counts: ScoreCounts) -> tuple[float | None, float | None]:
    """Where the rate is no higher, and where its bound is; None where no threshold is strict enough."""
    trials = counts.non_mated_trials
    if not trials or wanted < RULE_OF_THREE / trials:
        return None, None
    low = counts.non_mated <= wanted * trials
    assured = upper_bounds(counts.non_mated, trials) <= wanted
    first, second = (
        float(counts.thresholds[np.argmax(each)]) if each.any() else None for each in (low, assured)
    )
    return first, second


class _RatesAt:
    """Rates at some thresholds, from what each person's comparisons came to."""

    def __init__(
        self, templates: Templates, samples: LabeledSamples, thresholds: Sequence[float]
    ) -> None:
        every, *reached = count_by_person(templates, samples, [EVERY_SCORE, *thresholds])
        self._samples = samples
        self._has_template = np.isin(np.arange(samples.people), templates.person)
        self._every = every
        self._reached: Mapping[float, PersonCounts] = dict(zip(thresholds, reached, strict=True))

    def rates_where_told(self, threshold: float | None) -> Rates | None:
        return None if threshold is None else self.rates(threshold)

    def rates(self, threshold: float) -> Rates:
        reached, every = self._reached[threshold], self._every
        return Rates(
            threshold,
            rate_by_people(
                reached.non_mated.sum(axis=1),
                every.non_mated.sum(axis=1),
                in_each=2,
                independent=self._pairs(np.ones_like(self._has_template)),
            ),
            _false_non_matches(every.mated - reached.mated, every.mated),
        )

    def groups(self, profiles: Mapping[str, float]) -> Iterator[GroupRates]:
        """Each group among itself, then people of different ones."""
        for group in range(self._samples.groups):
            members = self._samples.group == group
            rates = {name: self._within(at, group, members) for name, at in profiles.items()}
            yield GroupRates(group, int(members.sum()), rates)
        rates = {name: self._across(at) for name, at in profiles.items()}
        yield GroupRates(None, self._samples.people, rates)

    def _within(self, threshold: float, group: int, members: NDArray[np.bool_]) -> Rates:
        reached, every = self._reached[threshold], self._every
        return Rates(
            threshold,
            rate_by_people(
                reached.non_mated[members, group],
                every.non_mated[members, group],
                in_each=2,
                independent=self._pairs(members),
            ),
            _false_non_matches((every.mated - reached.mated)[members], every.mated[members]),
        )

    def _across(self, threshold: float) -> Rates:
        people, own = np.arange(self._samples.people), self._samples.group
        errors, trials = (
            each.non_mated.sum(axis=1) - each.non_mated[people, own]
            for each in (self._reached[threshold], self._every)
        )
        within = sum(self._pairs(own == group) for group in range(self._samples.groups))
        pairs = self._pairs(np.ones_like(self._has_template)) - within
        nobody = np.zeros(0, np.int64)
        return Rates(
            threshold,
            rate_by_people(errors, trials, in_each=2, independent=pairs),
            _false_non_matches(nobody, nobody),
        )

    def _pairs(self, members: NDArray[np.bool_]) -> int:
        """Of these people, those pairs of whom at least one has a template."""
        people, without = int(members.sum()), int((members & ~self._has_template).sum())
        return (people * (people - 1) - without * (without - 1)) // 2


def _false_non_matches(errors: Counts, trials: Counts) -> Rate:
    return rate_by_people(errors, trials, in_each=1, independent=int((trials > 0).sum()))


def operating_points(counts: Sequence[ScoreCounts]) -> tuple[OperatingPoint, ...]:
    """Thresholds with the bound of their false match rate, the worst of what was counted, falling."""
    worst = np.max([upper_bounds(each.non_mated, each.non_mated_trials) for each in counts], axis=0)
    points = [OperatingPoint(float(counts[0].thresholds[0]), float(worst[0]))]
    for threshold, rate in zip(counts[0].thresholds, worst, strict=True):
        last = points[-1].false_match_rate
        if rate <= LEAST_STEP * last or (rate == worst[-1] and rate < last):
            points.append(OperatingPoint(float(threshold), float(rate)))
    return tuple(point for point in points if point.false_match_rate < 1.0)
