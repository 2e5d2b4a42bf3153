"""What was measured of one model is kept, and its profiles then carry these rates.

Thresholds stay what they are: a measurement says how good they are, and the operator decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.ports import ModelIdentity
from service.domain.quality import QualityLimits
from service.domain.thresholds import Calibration, OperatingPoint, Origin, Profile, Source


@dataclass(frozen=True, slots=True)
class MeasuredProfile:
    """Rates at one profile's threshold, and what each is below at 95 %: the worst of all templates."""

    name: str
    threshold: float
    false_match_rate: float
    false_match_rate_bound: float
    false_non_match_rate: float
    false_non_match_rate_bound: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """`sizes`: photographs in the templates that were compared; rates and points are those of the
    worst. `norm`: the median of the raw output's norms; None where the model tells none.
    """

    model: ModelIdentity
    measured_at: datetime
    people: int
    photographs: int
    sizes: tuple[int, ...]
    profiles: tuple[MeasuredProfile, ...]
    operating_points: tuple[OperatingPoint, ...]
    norm: float | None

    @property
    def source(self) -> Source:
        values = {
            "at": self.measured_at.date().isoformat(),
            "people": self.people,
            "photographs": self.photographs,
            "sizes": ", ".join(map(str, self.sizes)),
        }
        return Source(Origin.MEASURED, values)


def with_measurement(calibration: Calibration, measurement: Measurement) -> Calibration:
    """The same thresholds at the rates that were measured, and the gate's limit that needed a median."""
    measured = replace(
        calibration,
        source=measurement.source,
        operating_points=measurement.operating_points,
        quality=_limits(calibration, measurement),
    )
    known = {(one.name, one.threshold): one for one in measurement.profiles}
    profiles = {
        name: _rated(profile, known.get((name, profile.threshold)), measured)
        for name, profile in calibration.profiles.items()
    }
    return replace(measured, profiles=profiles)


def _limits(calibration: Calibration, measurement: Measurement) -> QualityLimits:
    limits, median = calibration.quality, measurement.norm
    return limits if median is None else limits.with_median_norm(median)


def _rated(profile: Profile, known: MeasuredProfile | None, measured: Calibration) -> Profile:
    """One that was set since is known by the operating point below it."""
    if known is None:
        return measured.profile_at(profile.name, profile.threshold)
    return replace(
        profile,
        false_match_rate=known.false_match_rate,
        source=measured.source,
        false_match_rate_bound=known.false_match_rate_bound,
        false_non_match_rate=known.false_non_match_rate,
        false_non_match_rate_bound=known.false_non_match_rate_bound,
    )
