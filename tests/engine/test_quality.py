"""Cues of face image quality, and pictures that are to break their measurement."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.domain.face import Image
from service.engine.alignment import alignment
from service.engine.finder import is_turned, sheet_of_face, sheet_of_picture
from service.engine.quality import Cut, arcface_part, quality_of, quality_of_picture, roll_of
from service.engine.selection import FoundFace

UNTOUCHED = np.asarray([[1.0, 0, 0], [0, 1.0, 0]])


def cut_of(side: int, shift: float = 0.0) -> Cut:
    """One whose photograph is the crop itself, moved to the right by `shift` pixels."""
    return Cut(UNTOUCHED + np.asarray([[0, 0, shift], [0, 0, 0]]), (side, side), arcface_part(side))


def pattern(side: int = 112) -> Image:
    """Spots of all sizes."""
    noise = np.random.default_rng(0).normal(128, 90, (28, 28, 3))
    coarse = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(coarse, 0, 255).astype(np.uint8)


def blurred(image: Image, across: float, down: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), across, sigmaY=down), np.uint8)


def test_blur_takes_sharpness_in_either_direction() -> None:
    sharp = quality_of(pattern(), cut_of(112), 0.0).sharpness
    for across, down in ((4.0, 4.0), (4.0, 0.01), (0.01, 4.0)):
        moved = quality_of(blurred(pattern(), across, down), cut_of(112), 0.0).sharpness
        assert moved < sharp / 3


def test_noise_after_the_lens_is_no_sharpness() -> None:
    smooth = blurred(pattern(), 4.0, 4.0)
    noise = np.random.default_rng(1).normal(0, 6, smooth.shape)
    noisy = np.clip(np.rint(smooth + noise), 0, 255).astype(np.uint8)
    sharp = quality_of(pattern(), cut_of(112), 0.0).sharpness
    assert quality_of(noisy, cut_of(112), 0.0).sharpness < sharp / 3


@pytest.mark.parametrize("side", [128, 224, 256])
def test_crops_of_other_sizes_have_much_the_same_quality(side: int) -> None:
    small = quality_of(pattern(), cut_of(112), 0.0)
    beside = 0 if side % 112 == 0 else 8
    large = cv2.resize(pattern(), None, fx=side / (112 + 2 * beside), fy=side / (112 + 2 * beside))
    framed = np.zeros((side, side, 3), np.uint8)
    left = (side - large.shape[1]) // 2
    framed[: large.shape[0], left : left + large.shape[1]] = large[:side, :side]
    seen = quality_of(framed, cut_of(side), 0.0)
    assert seen.sharpness == pytest.approx(small.sharpness, rel=0.35)
    assert seen.brightness == pytest.approx(small.brightness, rel=0.1)


def test_black_beyond_the_photograph_is_neither_dark_nor_detail() -> None:
    whole = quality_of(pattern(), cut_of(112), 0.0)
    cut_off = pattern()
    cut_off[:, :50] = 0
    seen = quality_of(cut_off, cut_of(112, shift=50), 0.0)
    assert seen.brightness == pytest.approx(whole.brightness, rel=0.15)
    assert seen.sharpness == pytest.approx(whole.sharpness, rel=0.4)


def test_plain_mouth_leaves_no_detail_of_features() -> None:
    masked = pattern()
    masked[80:] = 200
    assert quality_of(masked, cut_of(112), 0.0).features == 0.0
    assert (quality_of(pattern(), cut_of(112), 0.0).features or 0.0) > 0.1


def test_light_is_told_in_means_and_shares() -> None:
    half_white = pattern()
    half_white[:, 56:] = 255
    quality = quality_of(half_white, cut_of(112), 0.0)
    assert quality.overexposure >= 0.5
    assert quality_of(np.full((112, 112, 3), 9, np.uint8), cut_of(112), 0.0).brightness == 9


@pytest.mark.parametrize("degrees", [-170, -90, -30, 0, 30, 90, 170])
def test_roll_is_the_angle_of_the_eyes(degrees: int) -> None:
    turned = math.radians(degrees)
    eyes = np.asarray([[0, 0], [50 * math.cos(turned), 50 * math.sin(turned)]])
    assert roll_of(eyes) == pytest.approx(degrees)


crops = arrays.arrays(np.uint8, (112, 112, 3), elements=st.integers(0, 255), fill=st.just(0))
numbers = st.floats(-1e6, 1e6)


@settings(max_examples=50, deadline=None)
@given(crops, arrays.arrays(np.float64, (2, 3), elements=numbers))
def test_any_crop_has_a_finite_quality(crop: Image, matrix: np.ndarray) -> None:
    quality = quality_of(crop, Cut(matrix, (100, 100), arcface_part(112)), 0.0)
    told = [quality.sharpness, quality.brightness, quality.overexposure, quality.features or 0.0]
    assert np.isfinite(told).all()
    assert min(told) >= 0


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_landmarks_in_one_place_align_nothing(value: float) -> None:
    matrix = alignment(np.full((5, 2), value, np.float32), 112)
    quality = quality_of(
        np.zeros((112, 112, 3), np.uint8), Cut(matrix, (9, 9), arcface_part(112)), 0.0
    )
    assert quality.sharpness == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (640, 480)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_picture_of_one_color_has_no_quality(shape: tuple[int, int], value: int) -> None:
    assert quality_of_picture(np.full((*shape, 3), value, np.uint8)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (480, 640)])
def test_sheet_has_its_size_whatever_the_picture(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    assert sheet_of_picture(picture, 640).shape == (640, 640, 3)
    for box in ((0.0, 0.0, 0.0, 0.0), (-9.0, -9.0, 99.0, 5000.0)):
        assert sheet_of_face(picture, box, 128).shape == (128, 128, 3)


def test_sheet_shows_the_upright_copy_first() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:8] = 255
    sheet = sheet_of_picture(picture, 128)
    assert sheet[:64, :64][:8].min() == 255
    assert sheet[:64, 64:][:, :8].min() == 255
    assert sheet[64:, :64][-8:].min() == 255
    assert sheet[64:, 64:][:, -8:].min() == 255


@pytest.mark.parametrize(
    ("boxes", "turned"),
    [
        ([], False),
        ([(0.9, (10, 10, 50, 50))], False),
        ([(0.9, (10, 10, 50, 50)), (0.7, (70, 10, 120, 50))], False),
        ([(0.6, (10, 10, 50, 50)), (0.7, (70, 10, 120, 50))], True),
        ([(0.7, (10, 70, 50, 120))], True),
        ([(0.49, (10, 70, 50, 120))], False),
    ],
)
def test_best_face_of_a_sheet_tells_the_turn(
    boxes: list[tuple[float, tuple[float, float, float, float]]], turned: bool
) -> None:
    assert is_turned([FoundFace(*each) for each in boxes], 128) is turned
