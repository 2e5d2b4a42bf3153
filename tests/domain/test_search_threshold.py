"""A search's threshold follows the number of people, so that it names few strangers among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.search_threshold import SearchThreshold, search_threshold
from service.domain.thresholds import (
    BALANCED,
    BUFFALO_L,
    OperatingPoint,
    Profile,
)
from service.domain.warnings import WarningCode

POINTS = [
    OperatingPoint(threshold, rate)
    for threshold, rate in [(0.3, 1e-2), (0.4, 1e-3), (0.5, 1e-4), (0.6, 2e-5), (0.7, 2e-5)]
]
DOOR = Profile("door", 0.4, 1e-3)

people = st.integers(0, 10**9)
limits = st.floats(1e-6, 100.0)
rates = st.floats(0.0, 1.0)


@st.composite
def points(draw: st.DrawFn) -> list[OperatingPoint]:
    """As a calibration has them: thresholds rising, rates falling, and never to nothing at all."""
    number = draw(st.integers(0, 8))
    thresholds = st.lists(st.floats(-1.0, 1.0), min_size=number, max_size=number, unique=True).map(
        sorted
    )
    falling = st.lists(st.floats(1e-12, 1.0), min_size=number, max_size=number).map(
        lambda them: sorted(them, reverse=True)
    )
    return [OperatingPoint(*one) for one in zip(draw(thresholds), draw(falling), strict=True)]


profiles = st.builds(Profile, st.just("any"), st.floats(-1.0, 1.0), st.none() | rates)


def codes(search: SearchThreshold) -> list[WarningCode]:
    return [one.code for one in search.warnings]


@given(profiles, points(), people, people, limits)
def test_more_people_never_lower_it(
    profile: Profile, points: list[OperatingPoint], one: int, other: int, most: float
) -> None:
    fewer, more = (search_threshold(profile, points, n, most) for n in sorted([one, other]))
    assert fewer.threshold <= more.threshold


@given(profiles, points(), people, limits)
def test_it_is_never_below_the_profile_that_was_asked_for(
    profile: Profile, points: list[OperatingPoint], people: int, most: float
) -> None:
    assert search_threshold(profile, points, people, most).threshold >= profile.threshold


@given(profiles, points(), people, limits)
def test_more_strangers_than_allowed_are_warned_of(
    profile: Profile, points: list[OperatingPoint], people: int, most: float
) -> None:
    search = search_threshold(profile, points, people, most)
    expected = search.expected_false_candidates
    within = expected is not None and expected <= most
    assert within is (codes(search) == [])


@given(profiles, points(), people, limits)
def test_no_lower_measured_threshold_would_do(
    profile: Profile, points: list[OperatingPoint], people: int, most: float
) -> None:
    search = search_threshold(profile, points, people, most)
    lower = [one for one in points if profile.threshold < one.threshold < search.threshold]
    assert all(people * one.false_match_rate > most for one in lower)
    if search.threshold > profile.threshold and profile.false_match_rate is not None:
        assert people * profile.false_match_rate > most


@given(profiles, points(), people, limits)
def test_where_none_does_no_other_names_fewer(
    profile: Profile, points: list[OperatingPoint], people: int, most: float
) -> None:
    search = search_threshold(profile, points, people, most)
    if codes(search) == [WarningCode.SEARCH_NAMES_STRANGERS]:
        above = [one for one in points if one.threshold > profile.threshold]
        rate = search.false_match_rate
        assert rate is not None
        assert all(rate <= one.false_match_rate for one in above)


@pytest.mark.parametrize(
    ("people", "threshold"),
    [(0, 0.4), (100, 0.4), (101, 0.5), (1_000, 0.5), (1_001, 0.6), (5_000, 0.6), (10**6, 0.6)],
)
def test_threshold_by_number_of_people(people: int, threshold: float) -> None:
    assert search_threshold(DOOR, POINTS, people).threshold == threshold


def test_collection_that_allows_more_strangers_has_a_lower_one() -> None:
    assert search_threshold(DOOR, POINTS, 1_000, max_false_candidates=1.0).threshold == 0.4


def test_rise_beyond_the_lowest_rate_would_only_refuse_more() -> None:
    search = search_threshold(DOOR, POINTS, 10**6)
    assert (search.threshold, search.false_match_rate) == (0.6, 2e-5)
    (warning,) = search.warnings
    assert warning.expected_false_candidates == pytest.approx(20.0)
    assert warning.max_false_candidates == 0.1


def test_published_rate_without_a_calibration_is_warned_of_and_nothing_rises() -> None:
    balanced = BUFFALO_L.profile(BALANCED)
    assert codes(search_threshold(balanced, (), 100_000)) == []
    search = search_threshold(balanced, (), 200_000)
    assert (search.threshold, codes(search)) == (0.40, [WarningCode.SEARCH_NAMES_STRANGERS])


def test_model_that_nobody_measured_says_so() -> None:
    search = search_threshold(Profile("any", 0.4), (), 1)
    assert (search.threshold, search.expected_false_candidates) == (0.4, None)
    assert codes(search) == [WarningCode.UNCALIBRATED_MODEL]


def test_profile_below_everything_measured_rises_to_where_the_rate_is_known() -> None:
    search = search_threshold(Profile("lax", 0.2), POINTS, 10)
    assert (search.threshold, codes(search)) == (0.3, [])


def test_comparison_with_one_person_warns_of_an_unknown_rate_alone() -> None:
    assert [one.code for one in Profile("any", 0.4).warnings] == ["uncalibrated_model"]
    assert Profile("any", 0.4, 1.0).warnings == []


def test_profile_without_a_false_match_seen_is_reckoned_by_its_bound() -> None:
    none_seen = Profile("door", 0.4, 0.0, false_match_rate_bound=0.003)
    assert search_threshold(none_seen, [], 1000).expected_false_candidates == 3.0
