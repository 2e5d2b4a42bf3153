"""Profiles and bands per model, each number with where it comes from.

Cosines of different models are not comparable: ArcFace puts strangers near 0, dlib's raw
descriptors near 0.9. So every threshold belongs to a calibration, and a calibration to a model.
How well a model tells people apart is measured on photographs of known people, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations, product
from typing import Any

from numpy.typing import NDArray

from service.domain.errors import ProfileNotFound
from service.domain.quality import QualityLimits
from service.domain.template import cosine_similarity


class Band(StrEnum):
    """How alike two faces are, independent of any profile. Part of the contract."""

    VERY_HIGH = "very_high"
    HIGH = "high"
    BORDERLINE = "borderline"
    LOW = "low"
    VERY_LOW = "very_low"


@dataclass(frozen=True, slots=True)
class Bands:
    """Lowest cosine of each band, falling; below `low` is very low."""

    very_high: float
    high: float
    borderline: float
    low: float

    def of(self, similarity: float) -> Band:
        if similarity >= self.very_high:
            return Band.VERY_HIGH
        if similarity >= self.high:
            return Band.HIGH
        if similarity >= self.borderline:
            return Band.BORDERLINE
        return Band.LOW if similarity >= self.low else Band.VERY_LOW


@dataclass(frozen=True, slots=True)
class Profile:
    """A named operating point.

    `false_match_rate`: share of strangers' pairs at or above `threshold`, 0 to 1; None where
    nobody has measured it. `source`: where that figure, or the threshold, comes from.
    """

    name: str
    threshold: float
    false_match_rate: float | None = None
    source: str = "set by the operator"

    def expected_false_candidates(self, templates: int) -> float | None:
        """How many strangers a search over `templates` people names on average.

        A search makes one comparison per person, so the chance adds up: N x FMR.
        """
        return None if self.false_match_rate is None else templates * self.false_match_rate


CONSERVATIVE, BALANCED, AGGRESSIVE = "conservative", "balanced", "aggressive"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """`false_match_rate`: upper bound, at 95 %, of the share of strangers at or above `threshold`."""

    threshold: float
    false_match_rate: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The numbers of one model.

    `agreement`: least cosine at which two photographs of one request count as one person.
    `operating_points`: measured on known people, thresholds rising and rates falling; empty where
    nobody has measured this model.
    """

    profiles: Mapping[str, Profile]
    bands: Bands
    agreement: float
    source: str
    quality: QualityLimits
    operating_points: tuple[OperatingPoint, ...] = ()

    def profile(self, name: str) -> Profile:
        """Raises `ProfileNotFound`."""
        try:
            return self.profiles[name]
        except KeyError:
            raise ProfileNotFound from None

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Calibration:
        """The same with some profiles added or set anew, at the rates that were measured."""
        changed = {
            name: Profile(name, value, self.false_match_rate_at(value))
            for name, value in thresholds.items()
            if name not in self.profiles or self.profiles[name].threshold != value
        }
        return replace(self, profiles={**self.profiles, **changed})

    def false_match_rate_at(self, threshold: float) -> float | None:
        """That of the highest operating point up to `threshold`, where there is one: it only falls."""
        rates = [
            one.false_match_rate for one in self.operating_points if one.threshold <= threshold
        ]
        return rates[-1] if rates else None


GROSS_DEFECTS = QualityLimits(
    sharpness=0.035,
    brightness=14.0,
    overexposure=0.55,
    roll=50.0,
    norm=None,
    source="measured with a small ArcFace pack on 929 altered and 685 natural photographs",
)


def _calibration(source: str, agreement: float, bands: Bands, *profiles: Profile) -> Calibration:
    by_name = {profile.name: profile for profile in profiles}
    return Calibration(by_name, bands, agreement, source, GROSS_DEFECTS)


_ARCFACE_BANDS = Bands(very_high=0.50, high=0.40, borderline=0.30, low=0.20)
_ARCFACE_SOURCE = (
    "the contract's defaults for ArcFace packs; no error rate was measured for this pack"
)

ARCFACE = _calibration(
    _ARCFACE_SOURCE,
    0.30,
    _ARCFACE_BANDS,
    Profile(CONSERVATIVE, 0.45, None, _ARCFACE_SOURCE),
    Profile(BALANCED, 0.40, None, _ARCFACE_SOURCE),
    Profile(AGGRESSIVE, 0.30, None, _ARCFACE_SOURCE),
)

_BUFFALO_L_SOURCE = (
    "InsightFace publishes a false match rate of 1e-6 at cosine 0.4078 for buffalo_l"
)

BUFFALO_L = _calibration(
    _BUFFALO_L_SOURCE,
    0.30,
    _ARCFACE_BANDS,
    Profile(CONSERVATIVE, 0.45, 1e-6, f"{_BUFFALO_L_SOURCE}; at 0.45 it is lower"),
    Profile(BALANCED, 0.40, 1e-6, f"{_BUFFALO_L_SOURCE}; at 0.40 it is slightly higher"),
    Profile(AGGRESSIVE, 0.30, None, "the contract's default; no published rate at 0.30"),
)

_DLIB_MEASURED = (
    "measured by scripts/calibrate.py on 8 people x 5 close-ups, each comparison centered on the "
    "mean of the other people: 80 mated pairs (mean 0.755, min 0.372), 700 non-mated (mean 0.108, "
    "max 0.549)"
)
_NONE_OF_700 = 0.0043
"""95 % upper bound of a rate of which nothing was seen in 700 comparisons: 3 / 700."""

DLIB = _calibration(
    _DLIB_MEASURED,
    0.45,
    Bands(very_high=0.65, high=0.55, borderline=0.45, low=0.30),
    Profile(
        CONSERVATIVE,
        0.60,
        _NONE_OF_700,
        f"{_DLIB_MEASURED}; at 0.60 FNMR 3.8 %, no false match: FMR below 0.43 %",
    ),
    Profile(
        BALANCED,
        0.55,
        _NONE_OF_700,
        f"{_DLIB_MEASURED}; at 0.55 FNMR 3.8 %, no false match: FMR below 0.43 %",
    ),
    Profile(
        AGGRESSIVE, 0.45, 0.0257, f"{_DLIB_MEASURED}; at 0.45 FNMR 2.5 %, FMR 2.6 % (18 of 700)"
    ),
)


def calibration_for(model_name: str) -> Calibration:
    """The numbers of a model by its name; ArcFace's defaults for a pack nobody has measured."""
    return {"buffalo_l": BUFFALO_L, "dlib": DLIB}.get(model_name, ARCFACE)


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
