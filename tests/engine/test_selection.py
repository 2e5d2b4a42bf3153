"""Exactly one face may count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.face import Reason, Refusal
from service.domain.template import embedding_from
from service.engine.selection import MIN_FACE_SIDE, FoundFace, found_faces, only_face

scores = st.floats(0.0, 1.0, width=32)


def _face(score: float, side: float = 100.0) -> FoundFace:
    return FoundFace(score, (10.0, 10.0, 10.0 + side, 20.0 + side))


def test_no_face_at_all_is_no_face() -> None:
    assert only_face([], 0.6) == Refusal(Reason.NO_FACE)


def test_a_face_at_the_threshold_counts() -> None:
    face = _face(0.6)
    assert only_face([face], 0.6) is face


def test_faces_below_the_threshold_give_the_best_score() -> None:
    assert only_face([_face(0.4), _face(0.5)], 0.6) == Refusal(Reason.LOW_DETECTION_SCORE, 0.5)


def test_a_face_below_the_threshold_is_no_second_face() -> None:
    face = _face(0.9)
    assert only_face([_face(0.5), face], 0.6) is face


def test_two_faces_that_count_are_multiple_faces() -> None:
    assert only_face([_face(0.7), _face(0.9)], 0.6) == Refusal(Reason.MULTIPLE_FACES, 0.9)


@pytest.mark.parametrize(("side", "usable"), [(MIN_FACE_SIDE - 0.1, False), (MIN_FACE_SIDE, True)])
def test_the_shorter_side_decides_about_the_size(side: float, usable: bool) -> None:
    assert isinstance(only_face([_face(0.9, side)], 0.6), FoundFace) is usable


@given(st.lists(scores, max_size=6), scores)
def test_a_face_is_chosen_exactly_when_one_reaches_the_threshold(
    given_scores: list[float], threshold: float
) -> None:
    chosen = only_face([_face(score) for score in given_scores], threshold)
    reaching = [score for score in given_scores if score >= threshold]
    assert isinstance(chosen, FoundFace) is (len(reaching) == 1)


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
    embedding = embedding_from(numbers)
    assert embedding.shape == (512,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)
    assert not embedding[len(numbers) :].any()
    assert np.allclose(embedding[: len(numbers)] * np.linalg.norm(numbers), numbers, atol=1e-5)
