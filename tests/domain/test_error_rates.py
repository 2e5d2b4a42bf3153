"""Error rates and their bounds, as ISO/IEC 19795 counts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from service.domain.error_rates import (
    CONFIDENCE,
    Rate,
    lower_bound,
    rate_by_people,
    upper_bound,
    upper_bounds,
)

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def _rate(errors: int, trials: int) -> Rate:
    return Rate(errors, trials, float(trials))


def test_rate_is_errors_of_trials() -> None:
    assert _rate(3, 700).value == 3 / 700


def test_nothing_compared_is_no_rate() -> None:
    nothing = _rate(0, 0)
    assert (nothing.value, nothing.lower, nothing.upper, nothing.least_told) == (
        None,
        0.0,
        1.0,
        1.0,
    )


def test_of_none_seen_the_bound_is_the_rule_of_three() -> None:
    assert upper_bound(0, 700) == pytest.approx(3 / 700, rel=0.01)
    assert _rate(0, 700).least_told == 3 / 700


@given(counts)
def test_at_the_upper_bound_so_few_errors_are_seen_once_in_twenty_times(
    count: tuple[int, int],
) -> None:
    """By the binomial distribution itself, which Clopper and Pearson invert."""
    errors, trials = count
    bound = upper_bound(errors, trials)
    if errors == trials:
        assert bound == 1.0
    else:
        assert binom.cdf(errors, trials, bound) == pytest.approx(1 - CONFIDENCE, rel=1e-6)


@given(counts)
def test_at_the_lower_bound_so_many_errors_are_seen_once_in_twenty_times(
    count: tuple[int, int],
) -> None:
    errors, trials = count
    bound = lower_bound(errors, trials)
    if errors == 0:
        assert bound == 0.0
    else:
        assert binom.sf(errors - 1, trials, bound) == pytest.approx(1 - CONFIDENCE, rel=1e-6)


@given(counts)
def test_rate_lies_between_its_bounds(count: tuple[int, int]) -> None:
    rate = _rate(*count)
    assert rate.value is not None
    assert rate.lower <= rate.value <= rate.upper
    assert rate.lower_by_people <= rate.value <= rate.upper_by_people


def test_many_bounds_are_those_of_each() -> None:
    errors = np.arange(0, 101, 20)
    assert upper_bounds(errors, 100) == pytest.approx(
        [upper_bound(int(each), 100) for each in errors]
    )


def _by_people(errors: list[int], trials: list[int]) -> Rate:
    return rate_by_people(np.array(errors), np.array(trials), in_each=1, independent=len(errors))


def test_errors_of_one_person_alone_tell_less_than_those_of_many() -> None:
    spread, one = _by_people([1] * 9 + [2], [100] * 10), _by_people([0] * 9 + [11], [100] * 10)
    assert spread.value == one.value
    assert one.upper == spread.upper
    assert one.upper_by_people > 2 * spread.upper_by_people


def test_independent_people_tell_as_much_as_their_trials() -> None:
    """The jackknife of a binomial: with one trial each, people are the trials."""
    rate = _by_people([1] * 10 + [0] * 190, [1] * 200)
    assert rate.effective == pytest.approx(200, rel=0.01)


def test_where_nobody_erred_each_person_counts_once() -> None:
    assert _by_people([0] * 8, [10] * 8).effective == 8


def test_a_comparison_of_two_people_is_counted_once() -> None:
    both_sides = np.array([1, 1, 0])
    rate = rate_by_people(both_sides, np.array([2, 2, 2]), in_each=2, independent=3)
    assert (rate.errors, rate.trials) == (1, 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(5, 20)), min_size=2, max_size=30))
def test_people_never_tell_more_than_their_comparisons(each: list[tuple[int, int]]) -> None:
    errors, trials = map(list, zip(*each, strict=True))
    rate = _by_people(errors, trials)
    assert 0 < rate.effective <= rate.trials
