"""Codes of eight bits: no row that is near enough is ever missing, whatever the vectors are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.domain.face import EMBEDDING_SIZE
from service.domain.search import Vectors
from service.search.collection_index import not_among
from service.search.eight_bits import (
    BLOCK,
    BYTES_PER_ROW,
    LONGEST,
    MIDDLE,
    MOST_OF_A_PROBE,
    WIDEST,
    EightBitCodes,
    products,
)
from tests.search.crowds import crowd, mates, numbered

MANY = 1_000_000
AXIS = np.eye(1, EMBEDDING_SIZE, dtype=np.float32)
"""One component is 1, four times what a code tells."""


def codes_of(vectors: Vectors, after: int = 0) -> EightBitCodes:
    return EightBitCodes(numbered(len(vectors), after), vectors)


def found(codes: EightBitCodes, probe: Vectors, min_similarity: float = 0.4) -> set[int]:
    (near,) = codes.candidates(probe[None], min_similarity, MANY)
    assert near is not None
    return set(near.tolist())


def must_be_found(people: Vectors, probe: Vectors, min_similarity: float) -> set[int]:
    return set((np.flatnonzero(people @ probe >= min_similarity) + 1).tolist())


def unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


peaked = arrays(np.float32, (20, EMBEDDING_SIZE), elements=st.sampled_from([0, 1, -1, 9, 1e-3]))
"""Few large components among many small ones, which no rotation has spread."""


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 64, 512]), st.floats(-1, 1))
def test_nothing_that_is_near_enough_is_missing(
    seed: int, dimensions: int, min_similarity: float
) -> None:
    people, probe = crowd(300, seed, dimensions), crowd(1, seed + 1, dimensions)[0]
    assert must_be_found(people, probe, min_similarity) <= found(
        codes_of(people), probe, min_similarity
    )


@settings(max_examples=30, deadline=None)
@given(peaked, st.floats(-1, 1))
def test_nothing_is_missing_of_vectors_that_were_never_rotated(
    vectors: Vectors, min_similarity: float
) -> None:
    people = unit(vectors + AXIS * np.float32(1e-3))
    for probe in (people[0], crowd(1)[0]):
        assert must_be_found(people, probe, min_similarity) <= found(
            codes_of(people), probe, min_similarity
        )


@pytest.mark.parametrize("cosine", [0.4, 0.5, 0.9, 1.0])
def test_mates_at_the_threshold_itself_are_found(cosine: float) -> None:
    people = crowd(3_000)
    lists = codes_of(people).candidates(mates(people[:1_000], cosine), cosine - 1e-6, MANY)
    assert all(near is not None and n + 1 in near for n, near in enumerate(lists))


def test_mates_are_found_in_the_worst_direction_of_both_errors() -> None:
    """All components fall between two steps, and the probe lies where the rounding has moved to."""
    between = unit(np.tile([1.5, -1.5], 256)[None] * np.float32(WIDEST / 127 * 15))
    codes = codes_of(between)
    for probe in (between[0], unit(between + np.float32(1e-3))[0]):
        cosine = float(between[0] @ probe)
        assert found(codes, probe, cosine) == {1}


def test_row_that_no_code_tells_is_near_to_everybody() -> None:
    people = np.concatenate([AXIS, crowd(100)])
    assert found(codes_of(people), -AXIS[0], 0.9) == {1}


@pytest.mark.parametrize("length", [LONGEST + 0.001, 1.5, np.nan, np.inf])
def test_row_that_was_tampered_with_is_near_to_everybody(length: float) -> None:
    people = crowd(100)
    people[6] *= np.float32(length)
    assert found(codes_of(people), crowd(1, seed=5)[0], 0.9) == {7}


def test_strangers_are_left_out() -> None:
    people = crowd(4_000)
    assert found(codes_of(people), mates(people[:1], 0.5)[0]) == {1}


def test_probe_without_direction_is_near_to_nobody() -> None:
    assert found(codes_of(crowd(100)), np.zeros(EMBEDDING_SIZE, np.float32)) == set()


def test_too_many_are_none_rather_than_a_part_of_them() -> None:
    alike = mates(np.repeat(crowd(1), 300, axis=0), 0.8)
    people = np.concatenate([alike, crowd(2 * BLOCK, seed=3)])
    crowded, stranger = crowd(1)[0], crowd(1, seed=4)[0]
    first, second = codes_of(people).candidates(np.stack([crowded, stranger]), 0.7, 100)
    assert first is None
    assert second is not None
    assert len(second) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2 * BLOCK), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_absorbed_codes_are_found_like_ones_own(sizes: list[int], seed: int) -> None:
    people = crowd(1 + sum(sizes), seed)
    joined, end = codes_of(people[:1]), 1
    for size in sizes:
        joined.merge(codes_of(people[end : end + size], after=end))
        end += size
    assert joined.positions.tolist() == numbered(len(people)).tolist()
    for n in {0, len(people) // 2, len(people) - 1}:
        assert found(joined, people[n], 0.9) == {n + 1}


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(1, 2_500)), st.integers(0, 2**32 - 1))
def test_what_remains_is_found_as_if_the_removed_had_never_been(
    removed: set[int], seed: int
) -> None:
    people = crowd(2_500, seed)
    people[7] = AXIS[0]
    living = np.array(sorted(set(range(1, 2_501)) - removed), dtype=np.int64)
    codes = codes_of(people)
    codes.remove(not_among(living, codes.positions))
    assert sorted(codes.positions) == living.tolist()
    for n in (0, 7, 1_200, 2_499):
        assert (n + 1 in found(codes, people[n])) == (n + 1 not in removed)


def test_rows_come_after_rows_were_removed() -> None:
    people = crowd(3_000)
    codes = codes_of(people[:1_500])
    codes.remove(np.arange(0, 1_500, 3))
    codes.merge(codes_of(people[1_500:], after=1_500))
    for n in (1, 1_498, 1_500, 2_999):
        assert n + 1 in found(codes, people[n])
    assert 1 not in found(codes, people[0])


def test_size_is_what_is_kept_however_rows_came_and_went() -> None:
    people = crowd(3_000)
    codes = codes_of(people[:500])
    for start in range(500, 3_000, 500):
        codes.merge(codes_of(people[start : start + 500], after=start))
    codes.remove(np.arange(0, 3_000, 2))
    codes.merge(codes_of(people[:700], after=3_000))
    assert all(block.base is None for block in codes._blocks)
    kept = sum(block.nbytes for block in codes._blocks) + codes.positions.nbytes
    assert kept == 2_200 * BYTES_PER_ROW


def test_no_rows_are_near_to_nobody() -> None:
    codes = codes_of(crowd(0))
    codes.merge(codes_of(crowd(0)))
    assert found(codes, crowd(1)[0]) == set()


@pytest.mark.parametrize("row", [0, 1, MIDDLE, 255])
@pytest.mark.parametrize("probe", [-MOST_OF_A_PROBE, 1, MOST_OF_A_PROBE])
def test_no_sum_is_cut_off(row: int, probe: int) -> None:
    rows = np.full((3, EMBEDDING_SIZE), row, np.uint8)
    probes = np.full((EMBEDDING_SIZE, 2), probe, np.int8)
    assert (products()(rows, probes) == EMBEDDING_SIZE * (row - MIDDLE) * probe).all()


@pytest.mark.parametrize(("number", "asked"), [(1, 1), (7, 64), (1_024, 257)])
def test_products_are_those_of_whole_numbers(number: int, asked: int) -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, (number, EMBEDDING_SIZE), np.uint8)
    probes = random.integers(-MOST_OF_A_PROBE, MOST_OF_A_PROBE, (EMBEDDING_SIZE, asked), np.int8)
    wide = (rows.astype(np.int32) - MIDDLE) @ probes.astype(np.int32)
    assert np.array_equal(products()(rows, probes), wide)
