"""Bands and profiles, as the contract's table has them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ProfileNotFound
from service.domain.ports import ModelIdentity
from service.domain.search_threshold import search_threshold
from service.domain.thresholds import (
    AGGRESSIVE,
    ARCFACE,
    BALANCED,
    BUFFALO_L,
    BY_OPERATOR,
    CONSERVATIVE,
    DLIB,
    DLIB_RESNET,
    SFACE,
    SFACE_2021DEC,
    W600K_R50,
    Band,
    Calibration,
    OperatingPoint,
    Origin,
    Profile,
    calibration_for,
)
from tests.domain.vectors import cosines

FALLING = [Band.VERY_HIGH, Band.HIGH, Band.BORDERLINE, Band.LOW, Band.VERY_LOW]


def _just_below(number: float) -> float:
    return math.nextafter(number, -1.0)


@pytest.mark.parametrize(
    ("similarity", "band"),
    [
        (1.0, "very_high"),
        (0.50, "very_high"),
        (_just_below(0.50), "high"),
        (0.40, "high"),
        (_just_below(0.40), "borderline"),
        (0.30, "borderline"),
        (_just_below(0.30), "low"),
        (0.20, "low"),
        (_just_below(0.20), "very_low"),
        (-1.0, "very_low"),
    ],
)
def test_band_at_the_edges_of_the_contract(similarity: float, band: str) -> None:
    assert ARCFACE.bands.of(similarity) == band


@given(cosines, cosines)
def test_more_alike_is_never_a_lower_band(first: float, second: float) -> None:
    lower, higher = sorted([first, second])
    bands = ARCFACE.bands
    assert FALLING.index(bands.of(higher)) <= FALLING.index(bands.of(lower))


@pytest.mark.parametrize("calibration", [ARCFACE, BUFFALO_L], ids=["arcface", "buffalo_l"])
@pytest.mark.parametrize(
    ("name", "threshold"), [("conservative", 0.45), ("balanced", 0.40), ("aggressive", 0.30)]
)
def test_default_profile_of_the_contract(
    calibration: Calibration, name: str, threshold: float
) -> None:
    assert calibration.profile(name).threshold == threshold


@pytest.mark.parametrize("calibration", [ARCFACE, BUFFALO_L], ids=["arcface", "buffalo_l"])
def test_every_number_says_where_it_comes_from(calibration: Calibration) -> None:
    origins = {profile.source.origin for profile in calibration.profiles.values()}
    assert origins <= {Origin.CONTRACT, Origin.PUBLISHED}


@pytest.mark.parametrize("name", ["buffalo_l", "buffalo_m", "renamed"])
def test_published_rates_are_those_of_the_very_file(name: str) -> None:
    assert calibration_for(ModelIdentity(name, W600K_R50)) is BUFFALO_L


@pytest.mark.parametrize("name", ["buffalo_l", "buffalo_l_int8", "dlib"])
def test_another_file_under_a_known_name_claims_nothing(name: str) -> None:
    assert calibration_for(ModelIdentity(name, "0" * 64)) is ARCFACE


def test_dlibs_rates_are_those_of_its_weights() -> None:
    assert calibration_for(ModelIdentity("dlib", DLIB_RESNET)) is DLIB


def test_sfaces_balanced_threshold_is_its_authors_and_claims_no_error_rate() -> None:
    assert calibration_for(ModelIdentity("any", SFACE_2021DEC)) is SFACE
    balanced = SFACE.profile(BALANCED)
    assert (balanced.threshold, balanced.source.origin) == (0.363, Origin.RECOMMENDED)
    assert {profile.most_false_matches for profile in SFACE.profiles.values()} == {None}
    assert SFACE.bands.of(0.363) is Band.HIGH


def test_a_pack_that_is_not_there_has_the_defaults() -> None:
    assert calibration_for(None) is ARCFACE


def test_buffalo_ls_rate_of_false_matches_does_not_stand_without_the_other() -> None:
    published = BUFFALO_L.profile(BALANCED)
    assert (published.false_match_rate, published.false_non_match_rate) == (1e-6, 0.0875)


def test_unknown_profile_is_refused_and_those_that_there_are_are_named() -> None:
    with pytest.raises(ProfileNotFound) as caught:
        ARCFACE.with_thresholds({"door": 0.55}).profile("paranoid")
    assert caught.value.values == {"profiles": "conservative, balanced, aggressive, door"}


def test_threshold_can_be_added() -> None:
    assert ARCFACE.with_thresholds({"door": 0.55}).profile("door") == Profile("door", 0.55)


def test_changed_threshold_loses_its_error_rate() -> None:
    changed = BUFFALO_L.with_thresholds({BALANCED: 0.42}).profile(BALANCED)
    assert changed.threshold == 0.42
    assert changed.false_match_rate is None
    assert changed.source == BY_OPERATOR


def test_threshold_set_to_what_it_is_keeps_its_error_rate() -> None:
    assert BUFFALO_L.with_thresholds({BALANCED: 0.40}) == BUFFALO_L


def test_profiles_that_are_not_named_stay_as_they_are() -> None:
    changed = ARCFACE.with_thresholds({BALANCED: 0.42})
    assert changed.profile(CONSERVATIVE) == ARCFACE.profile(CONSERVATIVE)
    assert changed.profile(AGGRESSIVE) == ARCFACE.profile(AGGRESSIVE)
    assert (changed.bands, changed.agreement) == (ARCFACE.bands, ARCFACE.agreement)


def test_setting_thresholds_leaves_the_original_alone() -> None:
    ARCFACE.with_thresholds({BALANCED: 0.9, "door": 0.5})
    assert ARCFACE.profile(BALANCED).threshold == 0.40
    assert "door" not in ARCFACE.profiles


def strangers_named(profile: Profile, people: int) -> float | None:
    return search_threshold(profile, (), people).expected_false_candidates


def test_search_among_a_million_at_the_published_rate_names_about_one_stranger() -> None:
    expected = strangers_named(BUFFALO_L.profile(BALANCED), 1_000_000)
    assert expected == pytest.approx(1.0)


@given(st.integers(0, 10**9), st.floats(0.0, 1.0))
def test_expected_strangers_are_people_times_error_rate(people: int, rate: float) -> None:
    assert strangers_named(Profile("door", 0.4, rate), people) == people * rate


def test_expected_strangers_go_by_the_bound() -> None:
    profile = Profile("door", 0.4, 0.0, false_match_rate_bound=0.003)
    assert strangers_named(profile, 1000) == pytest.approx(3.0)


def test_expected_strangers_are_unknown_where_nobody_measured() -> None:
    assert strangers_named(ARCFACE.profile(BALANCED), 1_000_000) is None


MEASURED = replace(
    ARCFACE, operating_points=(OperatingPoint(0.35, 1e-2), OperatingPoint(0.45, 1e-3))
)


@pytest.mark.parametrize(
    ("threshold", "rate"), [(0.34, None), (0.35, 1e-2), (0.44, 1e-2), (0.45, 1e-3), (0.9, 1e-3)]
)
def test_own_threshold_has_the_rate_of_the_highest_measured_one_below(
    threshold: float, rate: float | None
) -> None:
    profile = MEASURED.with_thresholds({"door": threshold}).profile("door")
    assert (profile.false_match_rate, profile.false_match_rate_bound) == (rate, rate)
