"""Which quality is too low, for which reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.face import EmbeddedFace, FaceCrop, Quality, Reason, Refusal
from service.domain.quality import (
    COVERED_BELOW,
    GROSS_DEFECTS,
    SMALL_FACE,
    judged,
    refused_for,
    sample_of,
)
from tests.domain.vectors import face_of
from tests.engine.photographs import plain_crop

GOOD = Quality(0.09, 140.0, 0.0, 2.0, features=0.25)
LIMITS = GROSS_DEFECTS.with_median_norm(10.0)

qualities = st.builds(
    Quality,
    sharpness=st.floats(0.0, 1.0),
    brightness=st.floats(0.0, 255.0),
    overexposure=st.floats(0.0, 1.0),
    roll=st.floats(-180.0, 180.0),
    norm=st.none() | st.floats(0.0, 100.0),
    features=st.none() | st.floats(0.0, 1.0),
)


def crop(quality: Quality, side: float = 100.0) -> FaceCrop:
    return replace(plain_crop(128), quality=quality, box=(0.0, 0.0, side, side))


def test_good_face_is_refused_for_nothing() -> None:
    assert refused_for(GOOD, LIMITS) is None


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({"sharpness": 0.039}, Reason.TOO_BLURRED),
        ({"brightness": 15.9}, Reason.TOO_DARK),
        ({"overexposure": 0.51}, Reason.TOO_BRIGHT),
        ({"roll": 51.0}, Reason.TURNED),
        ({"roll": -51.0}, Reason.TURNED),
        ({"features": 0.064}, Reason.COVERED),
        ({"norm": 10.0 * COVERED_BELOW - 0.1}, Reason.COVERED),
        ({"sharpness": 0.03, "features": 0.0}, Reason.COVERED),
        ({"sharpness": 0.03, "features": 0.05}, Reason.TOO_BLURRED),
        ({"sharpness": 0.01, "features": 0.0}, Reason.TOO_BLURRED),
        ({"sharpness": 0.0, "features": 0.0, "roll": 90.0}, Reason.TURNED),
    ],
)
def test_each_limit_has_its_reason(lacking: dict[str, float], reason: Reason) -> None:
    assert refused_for(replace(GOOD, **lacking), LIMITS) is reason


def test_without_a_median_no_norm_is_too_low() -> None:
    assert refused_for(replace(GOOD, norm=0.0), GROSS_DEFECTS) is None


@given(qualities)
def test_roll_to_either_side_is_the_same(quality: Quality) -> None:
    mirrored = replace(quality, roll=-quality.roll)
    assert refused_for(quality, LIMITS) is refused_for(mirrored, LIMITS)


@given(qualities, st.floats(0.0, 1.0), st.floats(0.0, 100.0))
def test_better_face_is_not_refused_where_a_worse_one_is_taken(
    quality: Quality, sharper: float, more: float
) -> None:
    better = replace(
        quality,
        sharpness=quality.sharpness + sharper,
        brightness=quality.brightness + more,
        overexposure=quality.overexposure / (1 + more),
        roll=quality.roll / (1 + more),
        norm=None if quality.norm is None else quality.norm + more,
        features=None if quality.features is None else quality.features + sharper,
    )
    if refused_for(quality, LIMITS) is None:
        assert refused_for(better, LIMITS) is None


def test_small_face_that_is_not_sharp_is_too_small() -> None:
    blurred = replace(GOOD, sharpness=0.01)
    small = judged(crop(blurred, SMALL_FACE - 1), LIMITS)
    large = judged(crop(blurred, SMALL_FACE), LIMITS)
    assert isinstance(small, Refusal)
    assert isinstance(large, Refusal)
    assert (small.reason, large.reason) == (Reason.FACE_TOO_SMALL, Reason.TOO_BLURRED)


def test_refusal_keeps_what_was_seen() -> None:
    dark = crop(replace(GOOD, brightness=1.0))
    refusal = judged(dark, LIMITS)
    assert refusal == Refusal(Reason.TOO_DARK, dark.detection_score, dark.quality, dark.box, 0)


def test_face_that_is_seen_badly_is_told_its_cause() -> None:
    seen = Refusal(Reason.LOW_DETECTION_SCORE, 0.5, replace(GOOD, sharpness=0.01))
    assert judged(seen, LIMITS) == replace(seen, reason=Reason.TOO_BLURRED)
    assert judged(replace(seen, quality=GOOD), LIMITS) == replace(seen, quality=GOOD)


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({"brightness": 3.0}, Reason.TOO_DARK),
        ({"overexposure": 0.9}, Reason.TOO_BRIGHT),
        ({"sharpness": 0.0}, Reason.NO_FACE),
    ],
)
def test_face_that_is_not_seen_may_lie_in_the_dark(
    lacking: dict[str, float], reason: Reason
) -> None:
    picture = Refusal(Reason.NO_FACE, quality=replace(GOOD, **lacking))
    found = judged(picture, LIMITS)
    assert isinstance(found, Refusal)
    assert found.reason is reason


def test_sample_of_a_covered_face_has_no_embedding() -> None:
    covered = EmbeddedFace(face_of("kim"), 10.0 * COVERED_BELOW - 0.1)
    sample = sample_of(crop(GOOD), covered, LIMITS)
    assert (sample.reason, sample.embedding) == (Reason.COVERED, None)
    assert sample.quality == replace(GOOD, norm=covered.norm)
