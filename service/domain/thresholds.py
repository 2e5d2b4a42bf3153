"""Profiles and bands per model, each number with where it comes from.

Cosines of different models are not comparable: ArcFace puts strangers near 0, dlib's raw
descriptors near 0.9. So every threshold belongs to a calibration, and a calibration to a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from service.domain.errors import ProfileNotFound
from service.domain.ports import ModelIdentity
from service.domain.quality import GROSS_DEFECTS, QualityLimits
from service.domain.warnings import DecisionWarning, WarningCode


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


class Origin(StrEnum):
    """Each has its sentence under `source` in `service/texts`."""

    OPERATOR = "operator"
    CONTRACT = "contract"
    PUBLISHED = "published"
    RECOMMENDED = "recommended"
    SHIPPED = "shipped"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a threshold or an error rate comes from. `values` fill the placeholders of its sentence."""

    origin: Origin
    values: Mapping[str, object] = field(default_factory=dict)


BY_OPERATOR = Source(Origin.OPERATOR)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named operating point.

    `false_match_rate`: share of strangers' pairs at or above `threshold`, 0 to 1; `false_non_match_rate`:
    share of one person's pairs below it; None where nobody has measured it. Each `…_bound`: what the
    rate is below, at 95 %; None where only a figure was published. `source`: where they come from.
    """

    name: str
    threshold: float
    false_match_rate: float | None = None
    source: Source = BY_OPERATOR
    false_match_rate_bound: float | None = None
    false_non_match_rate: float | None = None
    false_non_match_rate_bound: float | None = None

    @property
    def most_false_matches(self) -> float | None:
        """The rate to reckon with: its bound where there is one. None seen does not say that there is none."""
        bound = self.false_match_rate_bound
        return self.false_match_rate if bound is None else bound

    @property
    def warnings(self) -> list[DecisionWarning]:
        """What is to be said of a comparison at this profile."""
        if self.false_match_rate is None:
            return [DecisionWarning(WarningCode.UNCALIBRATED_MODEL)]
        return []


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
    source: Source
    quality: QualityLimits
    operating_points: tuple[OperatingPoint, ...] = ()

    def profile(self, name: str) -> Profile:
        """Raises `ProfileNotFound`."""
        try:
            return self.profiles[name]
        except KeyError:
            raise ProfileNotFound(profiles=", ".join(self.profiles)) from None

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Calibration:
        """The same with some profiles added or set anew. What is known of their error is then the
        bound of the operating point at or below them, or nothing.
        """
        changed = {
            name: self.profile_at(name, value)
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

    def profile_at(self, name: str, threshold: float) -> Profile:
        """One that is known by the operating point at or below it, or not at all."""
        bound = self.false_match_rate_at(threshold)
        if bound is None:
            return Profile(name, threshold)
        return Profile(name, threshold, bound, self.source, false_match_rate_bound=bound)


def _calibration(source: Source, agreement: float, bands: Bands, *profiles: Profile) -> Calibration:
    by_name = {profile.name: profile for profile in profiles}
    return Calibration(by_name, bands, agreement, source, GROSS_DEFECTS)


_ARCFACE_BANDS = Bands(very_high=0.50, high=0.40, borderline=0.30, low=0.20)
_BY_CONTRACT = Source(Origin.CONTRACT)

ARCFACE = _calibration(
    _BY_CONTRACT,
    0.30,
    _ARCFACE_BANDS,
    Profile(CONSERVATIVE, 0.45, None, _BY_CONTRACT),
    Profile(BALANCED, 0.40, None, _BY_CONTRACT),
    Profile(AGGRESSIVE, 0.30, None, _BY_CONTRACT),
)

_PUBLISHED = Source(
    Origin.PUBLISHED,
    {
        "publisher": "InsightFace",
        "model": "buffalo_l",
        "fmr": "1e-6",
        "fnmr": "8.75 %",
        "at": 0.4078,
    },
)
"""The line of its evaluation that has both: who reads the one rate without the other is misled."""

BUFFALO_L = _calibration(
    _PUBLISHED,
    0.30,
    _ARCFACE_BANDS,
    Profile(CONSERVATIVE, 0.45, 1e-6, _PUBLISHED, false_non_match_rate=0.0875),
    Profile(BALANCED, 0.40, 1e-6, _PUBLISHED, false_non_match_rate=0.0875),
    Profile(AGGRESSIVE, 0.30, None, _BY_CONTRACT),
)

_RECOMMENDED = Source(
    Origin.RECOMMENDED,
    {"publisher": "OpenCV", "model": "SFace", "at": 0.363, "right": "99.40 %", "pairs": "LFW"},
)
"""Best for as many mated as non-mated pairs (opencv/opencv_zoo, models/face_recognition_sface): a false match
costs no more than a false non-match there, and each rate alone is not published."""

SFACE = _calibration(
    _RECOMMENDED,
    0.30,
    Bands(very_high=0.50, high=0.363, borderline=0.30, low=0.20),
    Profile(CONSERVATIVE, 0.45, None, _BY_CONTRACT),
    Profile(BALANCED, 0.363, None, _RECOMMENDED),
    Profile(AGGRESSIVE, 0.30, None, _BY_CONTRACT),
)

_DLIB_MEASURED = Source(
    Origin.SHIPPED,
    {"people": 48, "photographs": 427, "mated": 1782, "non_mated": 89169, "sizes": "1, 3, 5"},
)
"""By `face calibrate`, on 8 people in color and the 40 of the ORL database, with the HOG detector: docs/thresholds.md."""

_DLIB = _calibration(
    _DLIB_MEASURED,
    0.45,
    Bands(very_high=0.65, high=0.55, borderline=0.45, low=0.30),
    Profile(CONSERVATIVE, 0.60, 0.00518, _DLIB_MEASURED, 0.00591, 0.00898, 0.0136),
    Profile(BALANCED, 0.55, 0.0126, _DLIB_MEASURED, 0.0137, 0.00224, 0.00822),
    Profile(AGGRESSIVE, 0.45, 0.0513, _DLIB_MEASURED, 0.0534, 0.0, 0.00822),
)

DLIB = replace(_DLIB, quality=replace(GROSS_DEFECTS, features=0.065))
"""Its crops are wider, and their eyes lie less exactly: at 0.095 4 % of what it finds on orl/ is refused."""

W600K_R50 = "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"
"""SHA-256 of `w600k_r50.onnx`, the recognizer of buffalo_l and buffalo_m, as those who pin it have it:
yakhyo/uniface, and mirrors of the release v0.7 (deepghs/insightface, public-data/insightface)."""

DLIB_RESNET = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""SHA-256 of `dlib_face_recognition_resnet_model_v1.dat`, in face_recognition_models of PyPI."""

SFACE_2021DEC = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
"""SHA-256 of `face_recognition_sface_2021dec.onnx`, as opencv/opencv_zoo has it in Git LFS."""

MOBILE_FACENET = "304e6b515f0f3103f797aa87ed2db7817ce98d2e35161eb6120869ac2321da41"
"""SHA-256 of `w_mobilefacenet.onnx`, of the small pack on which the limits of quality were chosen."""

_SHIPPED: Mapping[str, Calibration] = {
    W600K_R50: BUFFALO_L,
    DLIB_RESNET: DLIB,
    SFACE_2021DEC: SFACE,
    MOBILE_FACENET: replace(ARCFACE, quality=GROSS_DEFECTS.with_median_norm(5.64)),
}


def calibration_for(model: ModelIdentity | None) -> Calibration:
    """The numbers of exactly this model: a folder of a known name with another file claims nothing.

    ArcFace's defaults for what nobody has measured, and for a pack that is not there.
    """
    return ARCFACE if model is None else _SHIPPED.get(model.sha256, ARCFACE)
