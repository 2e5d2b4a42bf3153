"""Codes find every row that they must, and few that they need not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.search import Vectors
from service.search.collection_index import not_among
from service.search.two_bits import BYTES_PER_ROW, MARGIN, TwoBitCodes
from tests.search.crowds import crowd, mates, numbered

MANY = 1_000_000


def codes_of(vectors: Vectors, after: int = 0) -> TwoBitCodes:
    return TwoBitCodes(numbered(len(vectors), after), vectors)


def found(codes: TwoBitCodes, probe: Vectors, min_similarity: float = 0.4) -> set[int]:
    (near,) = codes.candidates(probe[None], min_similarity, MANY)
    assert near is not None
    return set(map(int, near))


@pytest.mark.parametrize("dimensions", [64, 128, 512])
@pytest.mark.parametrize("cosine", [0.4, 0.5, 0.6, 1.0])
def test_every_mate_is_found_however_many_dimensions_faces_fill(
    dimensions: int, cosine: float
) -> None:
    people = crowd(4_000, dimensions=dimensions)
    probes = mates(people[:500], cosine)
    lists = codes_of(people).candidates(probes, cosine - 0.001, MANY)
    assert all(near is not None and n + 1 in near for n, near in enumerate(lists))


def test_margin_is_five_times_by_what_estimates_err() -> None:
    people = crowd(2_000)
    probes = mates(people[:500], 0.4)
    estimates, order = codes_of(people)._index.search(probes, len(people))
    of_mates = estimates[order == np.arange(500)[:, None]]
    errors = of_mates - np.sum(probes * people[:500], axis=1)
    assert abs(errors.mean()) < 0.003
    assert MARGIN / 6 < errors.std() < MARGIN / 5


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-0.5, 0.9))
def test_nothing_that_is_near_enough_is_missing(seed: int, min_similarity: float) -> None:
    people, probe = crowd(500, seed), crowd(1, seed + 1)[0]
    near = set((np.flatnonzero(people @ probe >= min_similarity) + 1).tolist())
    assert near <= found(codes_of(people), probe, min_similarity)


def test_strangers_are_left_out() -> None:
    people = crowd(4_000)
    assert found(codes_of(people), mates(people[:1], 0.5)[0]) == {1}


def test_more_than_the_first_guess_are_found() -> None:
    alike = mates(np.repeat(crowd(1), 300, axis=0), 0.8)
    people = np.concatenate([alike, crowd(1_000, seed=3)])
    assert set(range(1, 301)) <= found(codes_of(people), crowd(1)[0], 0.7)


def test_too_many_are_none_rather_than_a_part_of_them() -> None:
    alike = mates(np.repeat(crowd(1), 300, axis=0), 0.8)
    people = np.concatenate([alike, crowd(2_000, seed=3)])
    crowded, stranger = crowd(1)[0], crowd(1, seed=4)[0]
    first, second = codes_of(people).candidates(np.stack([crowded, stranger]), 0.7, 100)
    assert first is None
    assert second is not None
    assert len(second) == 0


def test_absorbed_codes_are_found_like_ones_own() -> None:
    people = crowd(3_000)
    joined, whole = codes_of(people[:1_000]), codes_of(people)
    joined.merge(codes_of(people[1_000:], after=1_000))
    assert len(joined) == len(whole)
    for probe in mates(people[::500], 0.45):
        assert found(joined, probe) == found(whole, probe) != set()


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(1, 300)), st.integers(0, 2**32 - 1))
def test_what_remains_is_found_as_if_the_removed_had_never_been(
    removed: set[int], seed: int
) -> None:
    people = crowd(300, seed)
    living = np.array(sorted(set(range(1, 301)) - removed), dtype=np.int64)
    codes = codes_of(people)
    codes.remove(not_among(living, codes.positions))
    assert sorted(codes.positions) == living.tolist()
    for n in (0, 150, 299):
        assert (n + 1 in found(codes, people[n])) == (n + 1 not in removed)


def test_rows_come_after_rows_were_removed() -> None:
    people = crowd(2_000)
    codes = codes_of(people[:1_000])
    codes.remove(np.arange(0, 1_000, 3))
    codes.merge(codes_of(people[1_000:], after=1_000))
    for n in (1, 998, 1_000, 1_999):
        assert n + 1 in found(codes, people[n])
    assert 1 not in found(codes, people[0])


def test_size_is_what_faiss_keeps() -> None:
    codes = codes_of(crowd(1_000))
    index: Any = codes._index
    assert index.code_size + codes.positions.itemsize == BYTES_PER_ROW
