"""One face counts: the only one, or the one that is beyond doubt the subject's."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.face import Faces, Reason, Refusal
from service.domain.template import embedded_face
from service.engine.selection import (
    MIN_FACE_SIDE,
    FoundFace,
    SelectedFace,
    found_faces,
    selected_face,
)

PICTURE = (800, 1000)
"""Height and width."""

scores = st.floats(0.0, 1.0, width=32)
both_rules = pytest.mark.parametrize("rule", Faces)


def _face(score: float, side: float = 100.0) -> FoundFace:
    return FoundFace(score, (10.0, 10.0, 10.0 + side, 20.0 + side))


def _at(x: float, y: float, side: float) -> FoundFace:
    """A square face around (x, y)."""
    half = side / 2
    return FoundFace(0.9, (x - half, y - half, x + half, y + half))


def _seen(faces: list[FoundFace], rule: Faces = Faces.ONE) -> SelectedFace | Refusal:
    return selected_face(faces, 0.6, rule, PICTURE)


@both_rules
def test_no_face_at_all_is_no_face(rule: Faces) -> None:
    assert _seen([], rule) == Refusal(Reason.NO_FACE)


@both_rules
def test_a_face_at_the_threshold_counts(rule: Faces) -> None:
    face = _face(0.6)
    assert _seen([face], rule) == SelectedFace(face)


@both_rules
def test_faces_below_the_threshold_give_the_best_score(rule: Faces) -> None:
    faces = [_face(0.4), _face(0.5)]
    expected = Refusal(Reason.LOW_DETECTION_SCORE, 0.5, box=_face(0.5).box)
    assert _seen(faces, rule) == expected


def test_small_face_below_the_threshold_is_too_small() -> None:
    faces = [_face(0.4, MIN_FACE_SIDE - 0.1), _face(0.3)]
    seen = _seen(faces, Faces.ONE)
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.FACE_TOO_SMALL


@both_rules
def test_a_face_below_the_threshold_is_no_second_face(rule: Faces) -> None:
    face = _face(0.9)
    assert _seen([_face(0.5, 199.0), face], rule) == SelectedFace(face)


@both_rules
def test_a_portrait_behind_somebody_who_is_seen_badly_is_not_the_subject(rule: Faces) -> None:
    faces = [_face(0.9, 100.0), _face(0.5, 200.0)]
    assert _seen(faces, rule) == Refusal(Reason.LOW_DETECTION_SCORE, 0.5)


def test_two_faces_that_count_are_multiple_faces() -> None:
    assert _seen([_face(0.7, 300.0), _face(0.9, 20.0)]) == Refusal(Reason.MULTIPLE_FACES, 0.9)


@both_rules
@pytest.mark.parametrize(("side", "usable"), [(MIN_FACE_SIDE - 0.1, False), (MIN_FACE_SIDE, True)])
def test_the_shorter_side_decides_about_the_size(side: float, usable: bool, rule: Faces) -> None:
    assert isinstance(_seen([_face(0.9, side)], rule), SelectedFace) is usable


def test_a_face_that_is_too_small_is_told_with_its_place() -> None:
    face = _face(0.9, 20.0)
    assert _seen([face]) == Refusal(Reason.FACE_TOO_SMALL, 0.9, box=face.box)


@given(st.lists(scores, max_size=6), scores)
def test_a_face_is_chosen_exactly_when_one_reaches_the_threshold(
    given_scores: list[float], threshold: float
) -> None:
    faces = [_face(score) for score in given_scores]
    chosen = selected_face(faces, threshold, Faces.ONE, PICTURE)
    reaching = [score for score in given_scores if score >= threshold]
    assert isinstance(chosen, SelectedFace) is (len(reaching) == 1)


# The dominant face. The picture's middle is at (500, 400).


def test_a_large_face_in_the_middle_is_dominant_and_the_others_are_ignored() -> None:
    subject = _at(480, 400, 200)
    seen = _seen([_at(100, 100, 50), subject, _at(900, 100, 60)], Faces.DOMINANT)
    assert seen == SelectedFace(subject, ignored=2)


@pytest.mark.parametrize(("side", "dominant"), [(100.0, True), (100.1, False), (200.0, False)])
def test_the_dominant_face_has_twice_the_side_of_any_other(side: float, dominant: bool) -> None:
    seen = _seen([_at(500, 400, 200), _at(100, 100, side)], Faces.DOMINANT)
    assert isinstance(seen, SelectedFace) is dominant


def test_a_face_of_twice_the_area_is_not_dominant() -> None:
    larger = _at(500, 400, 200)
    other = FoundFace(0.9, (0.0, 0.0, 141.0, 141.0))
    assert _seen([larger, other], Faces.DOMINANT) == Refusal(Reason.MULTIPLE_FACES, 0.9)


def test_of_a_long_face_the_shorter_side_counts() -> None:
    long = FoundFace(0.9, (0.0, 0.0, 400.0, 101.0))
    assert _seen([_at(500, 400, 200), long], Faces.DOMINANT) == Refusal(Reason.MULTIPLE_FACES, 0.9)


def test_a_large_face_at_the_border_and_a_small_one_in_the_middle_are_multiple_faces() -> None:
    faces = [_at(100, 400, 200), _at(500, 400, 40)]
    assert _seen(faces, Faces.DOMINANT) == Refusal(Reason.MULTIPLE_FACES, 0.9)


def test_of_two_faces_as_far_from_the_middle_none_is_dominant() -> None:
    faces = [_at(300, 400, 200), _at(700, 400, 40)]
    assert _seen(faces, Faces.DOMINANT) == Refusal(Reason.MULTIPLE_FACES, 0.9)


def test_the_middle_is_that_of_the_picture_and_not_of_the_faces() -> None:
    faces = [_at(500, 400, 200), _at(100, 100, 40)]
    wide = selected_face(faces, 0.6, Faces.DOMINANT, (200, 200))
    assert wide == Refusal(Reason.MULTIPLE_FACES, 0.9)


def test_a_dominant_face_may_be_too_small_itself() -> None:
    seen = _seen([_at(500, 400, 30), _at(100, 100, 10)], Faces.DOMINANT)
    assert isinstance(seen, Refusal)
    assert (seen.reason, seen.ignored_faces) == (Reason.FACE_TOO_SMALL, 1)


@given(
    st.lists(
        st.tuples(st.integers(0, 1000), st.integers(0, 800), st.integers(32, 400)),
        min_size=1,
        max_size=5,
    ),
    st.randoms(),
)
def test_the_order_of_the_faces_decides_nothing(
    places: list[tuple[int, int, int]], random: Random
) -> None:
    faces = [_at(*place) for place in places]
    shuffled = random.sample(faces, len(faces))
    assert _seen(faces, Faces.DOMINANT) == _seen(shuffled, Faces.DOMINANT)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_face(bad: float) -> None:
    boxes = np.asarray([[0, 0, 50, 50, 0.9], [0, 0, bad, 50, 0.9]], np.float32)
    assert len(found_faces(boxes, np.zeros((2, 5, 2), np.float32))) == 1


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=512).filter(
        lambda v: any(abs(x) > 0.01 for x in v)
    )
)
def test_padding_keeps_the_direction_and_adds_only_zeros(numbers: list[float]) -> None:
    embedding = embedded_face(numbers).embedding
    assert embedding.shape == (512,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)
    assert not embedding[len(numbers) :].any()
    assert np.allclose(embedding[: len(numbers)] * np.linalg.norm(numbers), numbers, atol=1e-5)
