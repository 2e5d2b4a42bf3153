"""Profiles carry the rates that were measured, and keep their thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.measurement import MeasuredProfile, Measurement, with_measurement
from service.domain.ports import ModelIdentity
from service.domain.quality import COVERED_BELOW
from service.domain.thresholds import (
    ARCFACE,
    BALANCED,
    BUFFALO_L,
    CONSERVATIVE,
    Calibration,
    OperatingPoint,
    Origin,
)

MEASURED = Measurement(
    ModelIdentity("mobile_s", "3" * 64),
    datetime(2026, 11, 27, tzinfo=UTC),
    40,
    400,
    (1, 3, 5),
    (MeasuredProfile(BALANCED, 0.4, 0.008, 0.009, 0.005, 0.01),),
    (OperatingPoint(0.1, 0.2), OperatingPoint(0.45, 0.003)),
    5.0,
)


@pytest.mark.parametrize("calibration", [ARCFACE, BUFFALO_L], ids=["arcface", "buffalo_l"])
def test_thresholds_and_bands_stay(calibration: Calibration) -> None:
    measured = with_measurement(calibration, MEASURED)
    assert (measured.bands, measured.agreement) == (calibration.bands, calibration.agreement)
    assert {name: one.threshold for name, one in measured.profiles.items()} == {
        name: one.threshold for name, one in calibration.profiles.items()
    }


def test_profile_that_was_measured_has_its_rates() -> None:
    balanced = with_measurement(BUFFALO_L, MEASURED).profile(BALANCED)
    rates = (balanced.false_match_rate, balanced.false_match_rate_bound)
    assert rates == (0.008, 0.009)
    assert (balanced.false_non_match_rate, balanced.false_non_match_rate_bound) == (0.005, 0.01)
    assert balanced.source.origin is Origin.MEASURED


def test_profile_set_since_has_the_bound_of_the_point_below_it() -> None:
    moved = with_measurement(ARCFACE.with_thresholds({BALANCED: 0.5}), MEASURED).profile(BALANCED)
    assert (moved.false_match_rate, moved.false_match_rate_bound) == (0.003, 0.003)
    assert moved.false_non_match_rate is None


def test_profile_that_was_not_measured_has_the_bound_of_the_point_below_it() -> None:
    strict = with_measurement(ARCFACE, MEASURED).profile(CONSERVATIVE)
    assert strict.false_match_rate_bound == 0.003


def test_searches_choose_from_the_operating_points() -> None:
    assert with_measurement(ARCFACE, MEASURED).operating_points == MEASURED.operating_points


def test_a_face_is_covered_below_a_share_of_the_median_norm() -> None:
    assert with_measurement(ARCFACE, MEASURED).quality.norm == pytest.approx(5 * COVERED_BELOW)


def test_without_a_norm_the_gate_stays_as_it_is() -> None:
    unmeasured = replace(MEASURED, norm=None)
    assert with_measurement(ARCFACE, unmeasured).quality == ARCFACE.quality
