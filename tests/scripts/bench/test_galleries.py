"""Made-up people have the statistics that `galleries` states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from scripts.bench.galleries import (
    BLOCK,
    EFFECTIVE_DIMENSION,
    MEAN_COSINE,
    Population,
    Vectors,
)

PEOPLE = Population(seed=7)
OTHERS = Population(seed=8)
FEW_EXAMPLES = settings(max_examples=10, deadline=None)
"""Each draws thousands of people."""

DEVIATION = (1 - MEAN_COSINE) / EFFECTIVE_DIMENSION**0.5


@pytest.fixture(scope="module")
def strangers() -> Vectors:
    return PEOPLE.people(0, 2 * BLOCK)


@pytest.fixture(scope="module")
def cosines(strangers: Vectors) -> NDArray[np.float32]:
    """Of 4096 disjoint pairs: independent of each other."""
    return np.asarray(np.sum(strangers[:BLOCK] * strangers[BLOCK:], axis=1), np.float32)


def test_an_embedding_is_512_numbers_of_norm_1(strangers: Vectors) -> None:
    assert strangers.dtype == np.float32
    assert strangers.shape == (2 * BLOCK, 512)
    np.testing.assert_allclose(np.linalg.norm(strangers, axis=1), 1, atol=1e-6)


def test_two_strangers_have_the_stated_mean_cosine(cosines: NDArray[np.float32]) -> None:
    assert abs(cosines.mean() - MEAN_COSINE) < 4 * DEVIATION / len(cosines) ** 0.5


def test_two_strangers_have_the_stated_spread(cosines: NDArray[np.float32]) -> None:
    assert cosines.std() == pytest.approx(DEVIATION, rel=0.05)


def test_the_cosines_of_strangers_are_normally_distributed(cosines: NDArray[np.float32]) -> None:
    assert stats.kstest((cosines - MEAN_COSINE) / DEVIATION, "norm").pvalue > 0.01


def test_the_largest_of_700_pairs_is_near_what_was_measured_on_photographs(
    cosines: NDArray[np.float32],
) -> None:
    largest = [part.max() for part in np.array_split(cosines, len(cosines) // 700)]
    assert np.mean(largest) == pytest.approx(0.29, abs=0.04)


def test_a_few_of_a_million_strangers_reach_the_threshold_of_a_duplicate(
    strangers: Vectors,
) -> None:
    pairs = strangers[:3000] @ strangers[3000:].T
    assert 0.5 < np.mean(pairs >= 0.40) * 1e6 < 10


def test_the_stated_dimension_is_that_of_the_embeddings(strangers: Vectors) -> None:
    variances = np.linalg.eigvalsh(np.cov(strangers.T))
    effective = variances.sum() ** 2 / (variances**2).sum()
    assert effective == pytest.approx(EFFECTIVE_DIMENSION, rel=0.05)


@FEW_EXAMPLES
@given(first=st.integers(0, BLOCK), count=st.integers(0, BLOCK))
def test_people_are_the_same_however_they_are_asked_for(
    strangers: Vectors, first: int, count: int
) -> None:
    assert np.array_equal(PEOPLE.people(first, count), strangers[first : first + count])


def test_chunks_together_are_the_whole() -> None:
    chunks = list(PEOPLE.chunks(10, 7000, size=3000))
    assert [first for first, _ in chunks] == list(range(10, 7000, 3000))
    assert np.array_equal(np.concatenate([c for _, c in chunks]), PEOPLE.people(10, 6990))


def test_other_seeds_are_other_people() -> None:
    apart = np.sum(PEOPLE.people(0, 100) * OTHERS.people(0, 100), axis=1)
    assert np.abs(apart).max() < 0.5


@FEW_EXAMPLES
@given(st.integers(0, 2**32), st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_a_probe_has_exactly_the_cosine_asked_for(seed: int, wanted: list[float]) -> None:
    mates = PEOPLE.people(0, len(wanted))
    probes = Population(seed + 100).probes(mates, np.array(wanted))
    cosines = np.sum(probes.astype(np.float64) * mates, axis=1)
    np.testing.assert_allclose(cosines, wanted, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(probes, axis=1), 1, atol=1e-6)


def test_a_probe_is_as_far_from_strangers_as_anybody(strangers: Vectors) -> None:
    probes = OTHERS.probes(strangers[:100], np.full(100, 0.5))
    assert (probes @ strangers[100:].T).std() == pytest.approx(DEVIATION, rel=0.05)
