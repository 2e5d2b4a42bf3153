"""What a caller is told of a similarity."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.callers import Caller, Scope
from service.domain.decision import (
    SimilarityDetail,
    detail_for,
    shown_candidates,
    shown_similarity,
)
from service.domain.errors import Candidate
from service.domain.thresholds import ARCFACE

ROUNDED, EXACT, BAND = SimilarityDetail.ROUNDED, SimilarityDetail.EXACT, SimilarityDetail.BAND
COSINES = st.floats(-1.0, 1.0)
TWO_DECIMALS = st.integers(-100, 100).map(lambda hundredths: hundredths / 100)


@pytest.mark.parametrize(
    ("similarity", "shown"),
    [
        (0.3999, 0.39),
        (0.39999999999999997, 0.39),
        (0.4, 0.40),
        (0.29, 0.29),
        (0.7123, 0.71),
        (1.0, 1.0),
        (0.001, 0.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        (-0.001, -0.01),
        (-0.12, -0.12),
        (-0.123, -0.13),
        (1e-17, 0.0),
        (-1e-17, -0.01),
    ],
)
def test_two_decimals_rounded_down(similarity: float, shown: float) -> None:
    told = shown_similarity(similarity, ROUNDED)
    assert told == shown
    assert told is not None
    assert math.copysign(1, told) == math.copysign(1, shown)


@given(COSINES, TWO_DECIMALS)
def test_shown_similarity_reaches_a_threshold_where_the_exact_one_does(
    similarity: float, threshold: float
) -> None:
    told = shown_similarity(similarity, ROUNDED)
    assert told is not None
    assert (told >= threshold) == (similarity >= threshold)


@given(COSINES, st.floats(-1.0, 1.0))
def test_shown_similarity_reaches_no_threshold_that_the_exact_one_misses(
    similarity: float, threshold: float
) -> None:
    told = shown_similarity(similarity, ROUNDED)
    assert told is not None
    assert similarity >= threshold or told < threshold


@given(COSINES)
def test_band_of_what_is_shown_is_the_band(similarity: float) -> None:
    told = shown_similarity(similarity, ROUNDED)
    assert told is not None
    assert ARCFACE.bands.of(told) == ARCFACE.bands.of(similarity)


def test_exact_is_exact_and_band_is_nothing() -> None:
    assert shown_similarity(0.71234567, EXACT) == 0.71234567
    assert shown_similarity(0.71234567, BAND) is None


@pytest.mark.parametrize("configured", SimilarityDetail)
def test_only_who_may_send_vectors_is_always_told_all(configured: SimilarityDetail) -> None:
    others = frozenset(Scope) - {Scope.EMBEDDING}
    assert detail_for(Caller("door", others), configured) is configured
    assert detail_for(Caller("door", frozenset({Scope.EMBEDDING})), configured) is EXACT


def test_order_tells_no_more_than_the_numbers() -> None:
    found = [Candidate("b", 0.719), Candidate("a", 0.711), Candidate("c", 0.5)]
    assert shown_candidates(found, EXACT) == [(one, one.similarity) for one in found]
    assert [(one.subject_id, told) for one, told in shown_candidates(found, ROUNDED)] == [
        ("a", 0.71),
        ("b", 0.71),
        ("c", 0.5),
    ]
    assert [one.subject_id for one, _ in shown_candidates(found[::-1], BAND)] == ["a", "b", "c"]
