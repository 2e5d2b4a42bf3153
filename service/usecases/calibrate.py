"""The served model is measured with the served settings, on photographs of known people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from service.domain.bulk import KnownPerson
from service.domain.comparisons import LabeledSamples, Pair, worst_pairs
from service.domain.error_rates import Rate, rate_by_people
from service.domain.errors import TooFewPhotographs
from service.domain.face import ImageFiles, Reason, Sample
from service.domain.measurement import MeasuredProfile, Measurement
from service.domain.performance import SizeRates, operating_points, rates_by_size
from service.domain.ports import ModelIdentity
from service.domain.thresholds import Calibration
from service.usecases.sampler import Sampler

LEAST_PEOPLE, LEAST_EACH = 2, 2
"""Below, there is not one comparison of each kind."""

GALLERIES = (1_000, 100_000, 1_000_000)
"""People among whom a search is reckoned."""


@dataclass(frozen=True, slots=True)
class RefusedPhotograph:
    file: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class NamedPair:
    """Two photographs that are most often confused, by their files."""

    similarity: float
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class SearchExpectation:
    """Strangers that one search among `people` names on average, and their number at most, at 95 %."""

    profile: str
    people: int
    expected: float
    most: float


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """`failure_to_acquire`: refused of all photographs. `groups`: their names, in the order of
    `GroupRates.group`; empty where all people are of one. Worst pairs come worst first.
    """

    measurement: Measurement
    failure_to_acquire: Rate
    refused: Sequence[RefusedPhotograph]
    groups: Sequence[str]
    sizes: Sequence[SizeRates]
    mated: Sequence[NamedPair] = field(repr=False)
    non_mated: Sequence[NamedPair] = field(repr=False)

    @property
    def refused_by_reason(self) -> Mapping[Reason, int]:
        """Most frequent first."""
        return dict(Counter(one.reason for one in self.refused).most_common())

    @property
    def searches(self) -> Iterator[SearchExpectation]:
        for profile in self.measurement.profiles:
            for people in GALLERIES:
                yield SearchExpectation(
                    profile.name,
                    people,
                    people * profile.false_match_rate,
                    people * profile.false_match_rate_bound,
                )


Progress = Callable[[int, int], None]
"""Told how many photographs were looked at, and of how many."""


class Calibrate:
    """`at_once`: photographs to hand over together."""

    def __init__(
        self,
        sampler: Sampler,
        model: ModelIdentity,
        calibration: Calibration,
        at_once: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._sampler = sampler
        self._model = model
        self._calibration = calibration
        self._at_once = at_once
        self._clock = clock

    def __call__(
        self, people: Sequence[KnownPerson], progress: Progress = lambda _done, _all: None
    ) -> CalibrationReport:
        """Raises `TooFewPhotographs`, `InvalidRequest` for files that cannot be read, `UnsupportedImage`."""
        crew = sorted(people, key=lambda person: person.group)
        looked_at = list(self._looked_at(crew, progress))
        _require_enough(looked_at)
        usable = _Usable(crew, looked_at)
        profiles = {name: one.threshold for name, one in self._calibration.profiles.items()}
        sizes = rates_by_size(usable.samples, profiles)
        mated, non_mated = worst_pairs(usable.samples)
        return CalibrationReport(
            self._measurement(usable, sizes),
            _failure_to_acquire(looked_at),
            [
                RefusedPhotograph(file, sample.reason)
                for _, file, sample in looked_at
                if sample.reason is not None
            ],
            usable.groups if len(usable.groups) > 1 else (),
            sizes,
            [usable.named(pair) for pair in mated],
            [usable.named(pair) for pair in non_mated],
        )

    def _looked_at(self, crew: Sequence[KnownPerson], progress: Progress) -> Iterator[_LookedAt]:
        files = [(number, file) for number, person in enumerate(crew) for file in person.files]
        for start in range(0, len(files), self._at_once):
            some = files[start : start + self._at_once]
            samples = self._sampler.samples(ImageFiles([file for _, file in some]))
            for (number, file), sample in zip(some, samples, strict=True):
                yield number, file, sample
            progress(min(start + self._at_once, len(files)), len(files))

    def _measurement(self, usable: _Usable, sizes: Sequence[SizeRates]) -> Measurement:
        return Measurement(
            self._model,
            self._clock(),
            usable.samples.people,
            len(usable.samples.person),
            tuple(each.size for each in sizes),
            tuple(_measured_profile(name, sizes) for name in self._calibration.profiles),
            operating_points([each.counts for each in sizes]),
            usable.median_norm,
        )


_LookedAt = tuple[int, str, Sample]
"""A person's number, a file of theirs, and what was seen in it."""


class _Usable:
    """Photographs with a usable face. Their people are numbered anew: of some there is none."""

    def __init__(self, crew: Sequence[KnownPerson], looked_at: Sequence[_LookedAt]) -> None:
        seen = [
            (number, file, sample.embedding, sample.quality)
            for number, file, sample in looked_at
            if sample.embedding is not None
        ]
        numbers, person = np.unique([number for number, *_ in seen], return_inverse=True)
        groups, group = np.unique([crew[number].group for number in numbers], return_inverse=True)
        self.files = [file for _, file, *_ in seen]
        self.groups = [str(name) for name in groups]
        self.samples = LabeledSamples.of([each for *_, each, _ in seen], person, group)
        norms = [quality.norm for *_, quality in seen if quality and quality.norm is not None]
        self.median_norm = float(np.median(norms)) if norms else None

    def named(self, pair: Pair) -> NamedPair:
        return NamedPair(pair.similarity, self.files[pair.first], self.files[pair.second])


def _require_enough(looked_at: Sequence[_LookedAt]) -> None:
    usable = Counter(number for number, _, sample in looked_at if sample.accepted)
    comparable = sum(count >= LEAST_EACH for count in usable.values())
    if comparable < LEAST_PEOPLE:
        refused = Counter(sample.reason for *_, sample in looked_at if sample.reason)
        raise TooFewPhotographs(
            found=usable.total(),
            people=len(usable),
            needed=LEAST_PEOPLE * LEAST_EACH,
            refused=", ".join(f"{reason} {count}" for reason, count in refused.items()) or "-",
        )


def _failure_to_acquire(looked_at: Sequence[_LookedAt]) -> Rate:
    numbers = [number for number, *_ in looked_at]
    refused = [number for number, _, sample in looked_at if not sample.accepted]
    people = max(numbers) + 1
    trials, errors = (np.bincount(each, minlength=people) for each in (numbers, refused))
    return rate_by_people(errors, trials, in_each=1, independent=int((trials > 0).sum()))


def _measured_profile(name: str, sizes: Sequence[SizeRates]) -> MeasuredProfile:
    """The highest rate of any size of template, and the highest bound."""
    rates = [each.profiles[name] for each in sizes]
    return MeasuredProfile(
        name,
        rates[0].threshold,
        max(one.false_match.value or 0.0 for one in rates),
        max(one.false_match.upper for one in rates),
        max(one.false_non_match.value or 0.0 for one in rates),
        max(one.false_non_match.upper for one in rates),
    )
