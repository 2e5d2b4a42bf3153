"""A similarity becomes a decision, and as much of it is told as the caller may know.

A similarity in full is a measurement: whoever sends faces of their own choice and reads enough of
them finds out the stored template ("Similarities are an oracle" in docs/threat-model.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from service.domain.active_liveness import Judgment, Verdict
from service.domain.callers import Caller, Scope
from service.domain.errors import Candidate
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


def with_liveness(decision: Decision, judgment: Judgment | None) -> Decision:
    """The same where liveness is required: only a living face matches. Of what its two halves recommend
    the stricter holds.

    `judgment`: None where there is none, which is no match either.
    """
    verdict = None if judgment is None else judgment.verdict
    if verdict is Verdict.LIVE:
        return decision
    denied = decision.recommendation is Recommendation.DENY or verdict is not Verdict.INCONCLUSIVE
    recommended = Recommendation.DENY if denied else Recommendation.RECAPTURE
    return replace(decision, match=False, recommendation=recommended)


_TWO_DECIMALS = Decimal("0.01")


class SimilarityDetail(StrEnum):
    """What answers show of a similarity. Part of the contract."""

    ROUNDED = "rounded"
    EXACT = "exact"
    BAND = "band"


def detail_for(caller: Caller, configured: SimilarityDetail) -> SimilarityDetail:
    """What this caller is shown: everything where they may send vectors anyway."""
    return SimilarityDetail.EXACT if caller.may(Scope.EMBEDDING) else configured


def shown_similarity(similarity: float, detail: SimilarityDetail) -> float | None:
    """The cosine as an answer shows it; None where only its band is shown.

    Rounded down, below zero as well: what is below a threshold never looks as if it reached it.

    >>> [shown_similarity(each, SimilarityDetail.ROUNDED) for each in (0.3999, 0.4, -0.001)]
    [0.39, 0.4, -0.01]
    """
    if detail is SimilarityDetail.BAND:
        return None
    if detail is SimilarityDetail.EXACT:
        return similarity
    # By the number's shortest decimal form: 0.29 * 100 is 28.999999999999996.
    return float(Decimal(repr(similarity)).quantize(_TWO_DECIMALS, ROUND_FLOOR)) + 0.0


def shown_candidates(
    found: Iterable[Candidate], detail: SimilarityDetail
) -> list[tuple[Candidate, float | None]]:
    """Who looks alike and what is shown of it, most similar first.

    Those who are shown as equally similar come by their ids: their order would tell the rest.
    """
    shown = [(one, shown_similarity(one.similarity, detail)) for one in found]
    if detail is SimilarityDetail.EXACT:
        return shown
    return sorted(shown, key=lambda each: (-(each[1] or 0.0), each[0].subject_id))
