"""Five landmarks tell where a head looks; and no warp of a flat picture moves the nose in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.head_pose import Points, breadth, parallax, pitch5, upright, yaw5
from tests.domain.heads import Head, project, rotation
from tests.domain.sheets import warped

NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)


def still(seed: int = 1) -> Head:
    return Head(np.random.default_rng(seed), noise=0.0)


AHEAD = [still(seed).seen(0, 0) for seed in range(20)]
TURNED = [still(seed).seen(25, 5) for seed in range(20)]


@st.composite
def homographies(draw: st.DrawFn) -> Any:
    """Any, from those that only move a picture to those that turn it over."""
    strength = draw(st.floats(0.01, 1.5))
    eight = draw(st.lists(NUMBERS, min_size=8, max_size=8))
    return np.eye(3) + strength * np.append(eight, 0.0).reshape(3, 3)


def test_own_left_is_positive_and_down_is_more() -> None:
    head = still()
    assert (
        yaw5(head.seen(25, 0)) > 0.1 > abs(yaw5(head.seen(0, 0))) < 0.1 < -yaw5(head.seen(-25, 0))
    )
    assert pitch5(head.seen(0, 15)) > pitch5(head.seen(0, 0)) > pitch5(head.seen(0, -15))


def test_eyes_draw_together_in_a_turn() -> None:
    head = still()
    assert breadth(head.seen(35, 0)) < 0.9 * breadth(head.seen(0, 0))


@settings(max_examples=100, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(0.1, 10.0), NUMBERS, NUMBERS)
def test_rolled_moved_and_scaled_picture_tells_the_same(
    roll: float, scale: float, right: float, down: float
) -> None:
    points = AHEAD[0]
    turn = rotation(0, 0, np.degrees(roll))[:2, :2]
    moved = points @ turn.T * scale + 1000 * np.array((right, down))
    assert np.allclose([yaw5(moved), pitch5(moved)], [yaw5(points), pitch5(points)])
    assert np.allclose(upright(moved), upright(points))


@settings(max_examples=1000, deadline=None)
@given(homographies(), st.sampled_from(AHEAD))
def test_flat_picture_has_no_parallax_whatever_the_warp(homography: Any, flat: Points) -> None:
    moved = parallax(warped(flat, homography), flat)
    assert moved is None or max(abs(moved.along), abs(moved.down)) < 1e-6


@settings(max_examples=500, deadline=None)
@given(homographies(), st.integers(0, len(AHEAD) - 1))
def test_warp_of_a_turned_head_changes_no_parallax(homography: Any, head: int) -> None:
    """So an attacker gains nothing by holding a picture askew."""
    plain = parallax(TURNED[head], AHEAD[head])
    askew = parallax(warped(TURNED[head], homography), AHEAD[head])
    assert plain is not None
    assert askew is None or np.allclose(
        (askew.along, askew.down), (plain.along, plain.down), atol=1e-6
    )


@pytest.mark.parametrize("degrees", [20, 30, 40])
@pytest.mark.parametrize("nose", [0.26, 0.35, 0.45])
def test_relief_is_how_far_the_nose_stands_out(nose: float, degrees: float) -> None:
    """From far away, where the picture is what the definition supposes."""
    points = Head(np.random.default_rng(3), nose=nose, noise=0.0).points
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    slope = rotation(0, float(np.degrees(np.arctan2((mouth - eyes)[2], (mouth - eyes)[1]))))
    facing = points @ slope
    ahead, turned = (project(facing @ rotation(by, 0).T, 1000.0) for by in (0, degrees))
    out = facing[0, 2] - facing[2, 2]
    moved = parallax(turned, ahead)
    assert moved is not None
    assert moved.relief == pytest.approx(out, rel=0.1)


def test_four_points_that_no_plane_shows_have_no_parallax() -> None:
    points = still().seen(0, 0)
    assert parallax(points[[1, 0, 2, 4, 3]], points) is None
    assert parallax(points[[0, 4, 2, 3, 1]], points) is None
