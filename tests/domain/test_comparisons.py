"""What is compared with what, against loops that do the same one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from service.domain import comparisons
from service.domain.comparisons import (
    EVERY_SCORE,
    LabeledSamples,
    Templates,
    count_by_person,
    count_scores,
    templates_of,
    threshold_grid,
    worst_pairs,
)
from service.domain.face import Embedding
from service.domain.performance import operating_points, rates_by_size
from service.domain.template import average, cosine_similarity, normalize

SIZES = (6, 4, 9, 1, 5, 7)
"""Photographs of each person."""

GROUPS = (0, 0, 0, 1, 1, 2)
THRESHOLD = 0.35


@pytest.fixture(scope="module")
def people() -> list[list[Embedding]]:
    """Vectors that are often confused, so that errors of both kinds are seen."""
    random = np.random.default_rng(7)
    middles = random.normal(size=(len(SIZES), 512)) + random.normal(size=512)
    return [
        [normalize(middle + 1.2 * random.normal(size=512)) for _ in range(size)]
        for middle, size in zip(middles, SIZES, strict=True)
    ]


@pytest.fixture(scope="module")
def samples(people: list[list[Embedding]]) -> LabeledSamples:
    person = np.repeat(np.arange(len(SIZES)), SIZES)
    return LabeledSamples.of([one for each in people for one in each], person, np.array(GROUPS))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several, of which a person's templates lie in two."""
    monkeypatch.setattr(comparisons, "MOST_SCORES", 5 * sum(SIZES))


def _expected(people: list[list[Embedding]], size: int) -> list[tuple[int, int, float]]:
    """Person, person and score of every comparison."""
    if size == 1:
        every = [(person, one) for person, each in enumerate(people) for one in each]
        return [(a, b, cosine_similarity(x, y)) for (a, x), (b, y) in combinations(every, 2)]
    scores = []
    for person, each in enumerate(people):
        for start in range(0, len(each) - size + 1, size) if len(each) > size else ():
            own = range(start, start + size)
            template = average([each[index] for index in own])
            scores += [
                (person, other, cosine_similarity(template, probe))
                for other, probes in enumerate(people)
                for index, probe in enumerate(probes)
                if not (other == person and index in own)
            ]
    return scores


def _templates(samples: LabeledSamples, size: int) -> Templates:
    templates = templates_of(samples, size)
    assert templates is not None
    return templates


@pytest.mark.parametrize("size", [1, 3, 5])
def test_scores_are_those_of_single_comparisons(
    people: list[list[Embedding]], samples: LabeledSamples, size: int
) -> None:
    thresholds = threshold_grid([0.123456])
    counts = count_scores(_templates(samples, size), samples, thresholds)
    expected = _expected(people, size)
    mated = np.array([score for one, other, score in expected if one == other])
    others = np.array([score for one, other, score in expected if one != other])
    assert (counts.mated_trials, counts.non_mated_trials) == (len(mated), len(others))
    for at in (-1.0, 0.0, 0.1, 0.123456, THRESHOLD, 0.6, 1.0):
        place = int(np.searchsorted(thresholds, at))
        assert counts.mated[place] == (mated >= at).sum()
        assert counts.non_mated[place] == (others >= at).sum()


@pytest.mark.parametrize("size", [1, 3, 5])
def test_counts_by_person_and_group_are_those_of_single_comparisons(
    people: list[list[Embedding]], samples: LabeledSamples, size: int
) -> None:
    every, reached = count_by_person(_templates(samples, size), samples, [EVERY_SCORE, THRESHOLD])
    for counted, least in ((every, EVERY_SCORE), (reached, THRESHOLD)):
        mated = np.zeros(len(SIZES), np.int64)
        others = np.zeros((len(SIZES), 3), np.int64)
        for one, other, score in _expected(people, size):
            if score >= least:
                if one == other:
                    mated[one] += 1
                else:
                    others[one, GROUPS[other]] += 1
                    others[other, GROUPS[one]] += 1
        assert counted.mated.tolist() == mated.tolist()
        assert counted.non_mated.tolist() == others.tolist()


def test_no_block_holds_more_scores_than_it_may(samples: LabeledSamples) -> None:
    blocks = list(comparisons.blocks(_templates(samples, 1), samples))
    assert len(blocks) > 1
    assert max(block.scores.size for block in blocks) <= comparisons.MOST_SCORES


def test_groups_among_themselves_and_mixed_make_up_all(samples: LabeledSamples) -> None:
    single = rates_by_size(samples, {"door": THRESHOLD})[0]
    rates = [each.profiles["door"].false_match for each in single.groups]
    whole = single.profiles["door"].false_match
    assert [each.group for each in single.groups] == [0, 1, 2, None]
    assert sum(rate.trials for rate in rates) == whole.trials
    assert sum(rate.errors for rate in rates) == whole.errors
    assert whole.errors > 0


@pytest.mark.parametrize(("size", "whole", "across"), [(0, 15, 11), (2, 12, 9)])
def test_where_nobody_is_confused_each_pair_of_people_counts_once(
    samples: LabeledSamples, size: int, whole: int, across: int
) -> None:
    """Of six people, in groups of 3, 2 and 1; at five photographs, three of them have templates."""
    rates = rates_by_size(samples, {"never": 1.0})[size]
    assert rates.profiles["never"].false_match.effective == whole
    assert rates.groups[-1].profiles["never"].false_match.effective == across


def test_template_is_never_compared_with_its_own_photographs(samples: LabeledSamples) -> None:
    for size in (3, 5):
        templates = _templates(samples, size)
        for block in comparisons.blocks(templates, samples):
            own = templates.own[block.rows]
            assert not np.take_along_axis(block.mated | block.non_mated, own, axis=1).any()


def test_sizes_that_half_of_the_people_do_not_reach_are_left_out(samples: LabeledSamples) -> None:
    assert templates_of(samples, 5) is not None
    assert templates_of(samples, 6) is None


def test_worst_pairs_are_named_worst_first(
    people: list[list[Embedding]], samples: LabeledSamples
) -> None:
    mated, others = worst_pairs(samples)
    expected = _expected(people, 1)
    lowest = sorted(score for one, other, score in expected if one == other)
    highest = sorted((score for one, other, score in expected if one != other), reverse=True)
    assert [pair.similarity for pair in mated] == pytest.approx(lowest[:20], abs=1e-6)
    assert [pair.similarity for pair in others] == pytest.approx(highest[:20], abs=1e-6)
    worst = others[0]
    assert samples.person[worst.first] != samples.person[worst.second]


def test_operating_points_rise_and_fall_and_are_the_worst_of_all_sizes(
    samples: LabeledSamples,
) -> None:
    counts = [each.counts for each in rates_by_size(samples, {})]
    points = operating_points(counts)
    thresholds = [point.threshold for point in points]
    rates = [point.false_match_rate for point in points]
    assert thresholds == sorted(set(thresholds))
    assert rates == sorted(set(rates), reverse=True)
    fewest = min(each.non_mated_trials for each in counts)
    assert rates[-1] == pytest.approx(1 - 0.05 ** (1 / fewest))


def test_wanted_rate_is_kept_from_its_threshold_on(samples: LabeledSamples) -> None:
    single = rates_by_size(samples, {})[0]
    told = [each for each in single.wanted if each.at is not None]
    assert told
    for each in told:
        assert each.at is not None
        assert (each.at.false_match.value or 0.0) <= each.false_match_rate
        step_below = int(np.searchsorted(single.counts.thresholds, each.at.threshold)) - 1
        allowed = each.false_match_rate * single.counts.non_mated_trials
        assert single.counts.non_mated[step_below] > allowed
        assert each.assured is None or each.assured.false_match.upper <= each.false_match_rate


def test_wanted_rate_below_three_in_all_comparisons_is_not_told(samples: LabeledSamples) -> None:
    single = rates_by_size(samples, {})[0]
    least = 3 / single.counts.non_mated_trials
    assert {each.at is None for each in single.wanted if each.false_match_rate < least} == {True}
