"""Which numbers of a caller count as an embedding of the served model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import InvalidEmbedding
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import embedding_of, normalize
from tests.domain.vectors import face_of, faces

DLIB_SIZE = 128
KIM = face_of("kim")


def _padded(dimensions: int) -> list[float]:
    return [*normalize(KIM[:dimensions]).tolist(), *[0.0] * (EMBEDDING_SIZE - dimensions)]


def _with(number: float) -> list[float]:
    return [number, *KIM.tolist()[1:]]


@given(faces)
def test_numbers_that_the_service_made_are_accepted_unchanged(face: Embedding) -> None:
    accepted = embedding_of(face.tolist())
    assert accepted.dtype == np.float32
    np.testing.assert_allclose(accepted, face, atol=1e-6)


@given(faces)
def test_numbers_printed_with_few_digits_are_accepted(face: Embedding) -> None:
    accepted = embedding_of([round(number, 4) for number in face.tolist()])
    assert np.linalg.norm(accepted) == pytest.approx(1.0, abs=1e-5)


@given(st.floats(0.9901, 1.0099))
def test_norm_within_a_hundredth_of_one_is_accepted_and_made_one(norm: float) -> None:
    accepted = embedding_of((KIM.astype(np.float64) * norm).tolist())
    assert np.linalg.norm(accepted) == pytest.approx(1.0, abs=1e-5)


@given(st.one_of(st.floats(0.0, 0.9899), st.floats(1.0101, 100.0)))
def test_norm_further_from_one_is_refused(norm: float) -> None:
    with pytest.raises(InvalidEmbedding):
        embedding_of((KIM.astype(np.float64) * norm).tolist())


@given(st.integers(0, 1100).filter(lambda size: size != EMBEDDING_SIZE))
def test_any_other_count_of_numbers_is_refused(size: int) -> None:
    with pytest.raises(InvalidEmbedding):
        embedding_of(np.full(size, 1 / max(size, 1) ** 0.5).tolist())


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e100])
def test_one_number_that_is_not_finite_or_far_too_large_is_refused(number: float) -> None:
    with pytest.raises(InvalidEmbedding):
        embedding_of(_with(number))


def test_embedding_of_a_shorter_model_is_accepted_with_its_zeros() -> None:
    assert embedding_of(_padded(DLIB_SIZE), DLIB_SIZE).shape == (EMBEDDING_SIZE,)


@given(faces)
def test_embedding_of_a_longer_model_is_refused_by_a_shorter_one(face: Embedding) -> None:
    with pytest.raises(InvalidEmbedding):
        embedding_of(face.tolist(), DLIB_SIZE)


def test_smallest_number_past_the_models_dimensions_is_refused() -> None:
    numbers = _padded(DLIB_SIZE)
    numbers[-1] = 1e-9
    with pytest.raises(InvalidEmbedding):
        embedding_of(numbers, DLIB_SIZE)
