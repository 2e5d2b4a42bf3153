"""From a similarity to an answer, as the contract's table has it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.active_liveness import Judgment, Verdict
from service.domain.decision import Decision, Recommendation, decide, with_liveness
from service.domain.thresholds import ARCFACE, Profile
from tests.domain.vectors import cosines

RISING = [Recommendation.DENY, Recommendation.RECAPTURE, Recommendation.ALLOW]

profiles = st.one_of(
    st.sampled_from(list(ARCFACE.profiles.values())),
    cosines.map(lambda threshold: Profile("door", threshold)),
)


def _decide(similarity: float, profile: str) -> Decision:
    return decide(similarity, ARCFACE.profile(profile), ARCFACE)


@pytest.mark.parametrize(
    ("profile", "threshold"), [("conservative", 0.45), ("balanced", 0.40), ("aggressive", 0.30)]
)
def test_threshold_itself_is_a_match(profile: str, threshold: float) -> None:
    decision = _decide(threshold, profile)
    assert decision.match
    assert decision.recommendation == "allow"


@pytest.mark.parametrize(
    ("profile", "threshold"), [("conservative", 0.45), ("balanced", 0.40), ("aggressive", 0.30)]
)
def test_next_number_below_the_threshold_is_none(profile: str, threshold: float) -> None:
    assert not _decide(math.nextafter(threshold, -1.0), profile).match


@pytest.mark.parametrize(
    ("profile", "similarity", "band", "recommendation"),
    [
        ("conservative", 0.44, "high", "recapture"),
        ("conservative", 0.39, "borderline", "recapture"),
        ("balanced", 0.39, "borderline", "recapture"),
        ("balanced", 0.30, "borderline", "recapture"),
        ("balanced", 0.29, "low", "deny"),
        ("balanced", 0.20, "low", "deny"),
        ("balanced", 0.19, "very_low", "deny"),
        ("aggressive", 0.29, "low", "deny"),
        ("aggressive", -1.0, "very_low", "deny"),
    ],
)
def test_recommendation_below_the_threshold(
    profile: str, similarity: float, band: str, recommendation: str
) -> None:
    decision = _decide(similarity, profile)
    assert (decision.match, decision.band, decision.recommendation) == (False, band, recommendation)


@given(cosines, profiles)
def test_allow_is_recommended_for_a_match_and_for_nothing_else(
    similarity: float, profile: Profile
) -> None:
    decision = decide(similarity, profile, ARCFACE)
    assert decision.match == (similarity >= profile.threshold)
    assert decision.match == (decision.recommendation is Recommendation.ALLOW)


@given(cosines, cosines, profiles)
def test_more_alike_is_never_recommended_less(
    first: float, second: float, profile: Profile
) -> None:
    lower, higher = sorted([first, second])
    below, above = decide(lower, profile, ARCFACE), decide(higher, profile, ARCFACE)
    assert RISING.index(below.recommendation) <= RISING.index(above.recommendation)


@given(cosines, profiles)
def test_band_does_not_depend_on_the_profile(similarity: float, profile: Profile) -> None:
    assert decide(similarity, profile, ARCFACE).band is ARCFACE.bands.of(similarity)


@given(cosines, profiles)
def test_decision_tells_what_it_was_made_of(similarity: float, profile: Profile) -> None:
    decision = decide(similarity, profile, ARCFACE)
    assert (decision.similarity, decision.profile) == (similarity, profile)


VERDICTS = st.sampled_from([*Verdict, None])


@given(cosines, profiles, VERDICTS)
def test_only_the_living_match_where_it_is_required(
    similarity: float, profile: Profile, verdict: Verdict | None
) -> None:
    before = decide(similarity, profile, ARCFACE)
    judgment = None if verdict is None else Judgment(verdict)
    after = with_liveness(before, judgment)
    assert after.match == (before.match and verdict is Verdict.LIVE)
    assert (after.similarity, after.band, after.profile) == (
        before.similarity,
        before.band,
        before.profile,
    )
    assert (after.recommendation is Recommendation.ALLOW) == after.match
    assert RISING.index(after.recommendation) <= RISING.index(before.recommendation)


@pytest.mark.parametrize(
    ("similarity", "verdict", "recommendation"),
    [
        (0.7, Verdict.LIVE, "allow"),
        (0.7, Verdict.INCONCLUSIVE, "recapture"),
        (0.35, Verdict.INCONCLUSIVE, "recapture"),
        (0.1, Verdict.INCONCLUSIVE, "deny"),
        (0.7, Verdict.ATTACK_SUSPECTED, "deny"),
        (0.35, Verdict.ATTACK_SUSPECTED, "deny"),
    ],
)
def test_stricter_recommendation_of_face_and_verdict_holds(
    similarity: float, verdict: Verdict, recommendation: str
) -> None:
    decision = with_liveness(_decide(similarity, "balanced"), Judgment(verdict))
    assert decision.recommendation == recommendation
