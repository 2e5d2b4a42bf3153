"""From a similarity to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.domain.thresholds import Band, Calibration, Profile


class Recommendation(StrEnum):
    ALLOW = "allow"
    RECAPTURE = "recapture"
    DENY = "deny"


_HOPELESS = frozenset({Band.LOW, Band.VERY_LOW})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether probe and template are one person, at one profile."""

    match: bool
    similarity: float
    profile: Profile
    band: Band
    recommendation: Recommendation


def decide(similarity: float, profile: Profile, calibration: Calibration) -> Decision:
    """At or above the profile's threshold: allow. Below it: a better photograph may help where
    the faces are borderline or nearer (a strict profile may lie inside a high band); else deny.
    """
    band = calibration.bands.of(similarity)
    match = similarity >= profile.threshold
    return Decision(match, similarity, profile, band, _recommendation(match, band))


def _recommendation(match: bool, band: Band) -> Recommendation:
    if match:
        return Recommendation.ALLOW
    return Recommendation.DENY if band in _HOPELESS else Recommendation.RECAPTURE
