"""Faces are aligned as InsightFace aligns them, in less time."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from insightface.utils import face_align
from numpy.typing import NDArray

from service.engine.alignment import aligned, places, similarity

SOMEWHERE = st.floats(-2000, 2000)


def _landmarks(seed: int) -> NDArray[np.float32]:
    """ArcFace's places, turned, scaled, moved, and no longer quite where they were."""
    random = np.random.default_rng(seed)
    angle, scale = random.uniform(-np.pi, np.pi), random.uniform(0.3, 8)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = face_align.arcface_dst @ turn.T + random.uniform(0, 400, 2)
    return np.asarray(moved + random.normal(0, scale, moved.shape), np.float32)


@pytest.mark.parametrize("side", [112, 128, 224, 256])
@pytest.mark.parametrize("seed", range(10))
def test_the_transform_is_insightfaces(seed: int, side: int) -> None:
    landmarks = _landmarks(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = face_align.estimate_norm(landmarks, side)
    assert similarity(landmarks, places(side)) == pytest.approx(expected, abs=1e-3)


def test_a_crop_is_insightfaces_to_a_grey_level() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    landmarks = face_align.arcface_dst * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = face_align.norm_crop(image, landmarks, 112).astype(int)
    assert np.abs(aligned(image, landmarks, 112).astype(int) - expected).max() <= 1


@given(angle=st.floats(-3, 3), scale=st.floats(0.01, 100), x=SOMEWHERE, y=SOMEWHERE)
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    points = face_align.arcface_dst
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(points, points @ turn.T + (x, y))
    assert found[:, :2] == pytest.approx(turn, abs=1e-3 * max(1, scale))
    assert found[:, 2] == pytest.approx((x, y), abs=0.5)


def test_landmarks_in_one_place_give_a_crop_all_the_same() -> None:
    image = np.full((50, 50, 3), 255, np.uint8)
    assert aligned(image, np.full((5, 2), 7, np.float32), 112).shape == (112, 112, 3)
