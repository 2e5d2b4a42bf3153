"""From samples to one template, and the comparison of two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import InvalidEmbedding
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import (
    MOST_SAMPLES,
    average,
    cosine_similarity,
    embedded_face,
    normalize,
    similarity_of,
    template_of,
)
from tests.domain.vectors import at_cosine, cosines, face_of, faces

ROUNDING = 1e-5
"""Room for float32: about 1e-7 a number, 512 numbers."""

scales = st.floats(1e-3, 1e3)


@given(faces, scales)
def test_normalized_vector_has_norm_one_and_is_float32(face: Embedding, scale: float) -> None:
    result = normalize(face * scale)
    assert result.dtype == np.float32
    assert np.linalg.norm(result) == pytest.approx(1.0, abs=ROUNDING)


@given(faces, scales)
def test_normalizing_keeps_the_direction(face: Embedding, scale: float) -> None:
    np.testing.assert_allclose(normalize(face * scale), face, atol=ROUNDING)


@pytest.mark.parametrize("number", [0.0, float("nan"), float("inf"), float("-inf")])
def test_vector_without_direction_is_refused(number: float) -> None:
    with pytest.raises(InvalidEmbedding):
        normalize([number] * EMBEDDING_SIZE)


def test_normalizing_flattens_a_row() -> None:
    assert normalize(face_of("kim")[np.newaxis]).shape == (EMBEDDING_SIZE,)


@given(faces)
def test_average_of_one_sample_is_that_sample(face: Embedding) -> None:
    np.testing.assert_allclose(average([face]), face, atol=ROUNDING)


@given(st.lists(faces, min_size=1, max_size=6), st.data())
def test_average_does_not_depend_on_the_order(
    samples: list[Embedding], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(samples))))
    shuffled = [samples[index] for index in order]
    np.testing.assert_allclose(average(shuffled), average(samples), atol=ROUNDING)


@given(st.lists(faces, min_size=1, max_size=6))
def test_average_has_norm_one(samples: list[Embedding]) -> None:
    template = average(samples)
    assert template.dtype == np.float32
    assert np.linalg.norm(template) == pytest.approx(1.0, abs=ROUNDING)


@given(st.lists(faces, min_size=1, max_size=6))
def test_average_is_the_normalized_mean(samples: list[Embedding]) -> None:
    mean = np.mean(np.stack(samples).astype(np.float64), axis=0)
    np.testing.assert_allclose(average(samples), mean / np.linalg.norm(mean), atol=ROUNDING)


def test_average_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidEmbedding):
        average([])


def test_average_of_samples_that_cancel_out_is_refused() -> None:
    with pytest.raises(InvalidEmbedding):
        average([face_of("kim"), -face_of("kim")])


@given(faces, faces)
def test_cosine_is_symmetric_and_within_bounds(first: Embedding, second: Embedding) -> None:
    similarity = cosine_similarity(first, second)
    assert similarity == cosine_similarity(second, first)
    assert -1.0 <= similarity <= 1.0


@given(faces, faces, scales, scales)
def test_cosine_does_not_depend_on_lengths(
    first: Embedding, second: Embedding, one: float, other: float
) -> None:
    scaled = cosine_similarity(first.astype(np.float64) * one, second.astype(np.float64) * other)
    assert scaled == pytest.approx(cosine_similarity(first, second), abs=ROUNDING)


@given(faces)
def test_cosine_with_itself_is_one_and_with_its_opposite_minus_one(face: Embedding) -> None:
    assert cosine_similarity(face, face) == pytest.approx(1.0, abs=ROUNDING)
    assert cosine_similarity(face, -face) == pytest.approx(-1.0, abs=ROUNDING)


@given(faces, cosines)
def test_cosine_is_that_of_the_angle(face: Embedding, cosine: float) -> None:
    assert cosine_similarity(face, at_cosine(face, cosine)) == pytest.approx(cosine, abs=ROUNDING)


@given(faces, faces, cosines)
def test_similarity_of_embeddings_is_their_cosine_and_within_bounds(
    face: Embedding, other: Embedding, cosine: float
) -> None:
    for each in (face, -face, other, at_cosine(face, cosine)):
        one, two = (vector.astype(np.float64) for vector in (face, each))
        expected = one @ two / (np.linalg.norm(one) * np.linalg.norm(two))
        assert similarity_of(face, each) == pytest.approx(expected, abs=1e-6)
        assert -1.0 <= similarity_of(face, each) <= 1.0


@pytest.mark.parametrize("number", [1e-9, 1e36])
def test_vector_of_a_norm_beyond_measure_is_no_face(number: float) -> None:
    with pytest.raises(InvalidEmbedding):
        embedded_face([number] * EMBEDDING_SIZE)


def test_vectors_of_different_lengths_are_not_compared() -> None:
    with pytest.raises(InvalidEmbedding):
        cosine_similarity([1.0, 0.0], [1.0, 0.0, 0.0])


@given(st.lists(faces, min_size=2, max_size=8), st.data())
def test_samples_added_later_make_the_template_of_all(
    samples: list[Embedding], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(samples) - 1))
    joined = template_of(samples[:cut]).joined_by(template_of(samples[cut:]))
    assert joined.samples == len(samples)
    np.testing.assert_allclose(joined.embedding, template_of(samples).embedding, atol=ROUNDING)


def test_samples_added_one_by_one_round_to_nothing() -> None:
    """As they come back from a database each time: float32 suffices."""
    samples = [at_cosine(face_of("kim"), 0.7, str(n)) for n in range(MOST_SAMPLES)]
    template = template_of(samples[:1])
    for each in samples[1:]:
        template = template.joined_by(template_of([each]))
    assert template.samples == MOST_SAMPLES
    np.testing.assert_allclose(template.embedding, template_of(samples).embedding, atol=1e-6)


def test_template_of_very_many_samples_still_follows_the_face() -> None:
    """After so many, half of the weight is the last 70 samples'."""
    young, old = face_of("kim"), at_cosine(face_of("kim"), 0.5)
    template = template_of([young] * 5000)
    assert template.samples == MOST_SAMPLES
    for _ in range(70):
        template = template.joined_by(template_of([old]))
    assert template.samples == MOST_SAMPLES
    near_old = cosine_similarity(template.embedding, old)
    assert near_old == pytest.approx(cosine_similarity(template.embedding, young), abs=0.01)


def test_samples_that_cancel_out_cannot_be_added() -> None:
    with pytest.raises(InvalidEmbedding):
        template_of([face_of("kim")]).joined_by(template_of([-face_of("kim")]))


def test_plain_template_does_not_print_its_numbers() -> None:
    assert repr(template_of([face_of("kim")])) == "PlainTemplate(samples=1)"
