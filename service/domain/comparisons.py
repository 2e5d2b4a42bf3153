"""Every comparison that the photographs of known people allow is made and counted.

Templates of 1, 3 and 5 photographs are compared with single photographs that are not in them, as at
enrollment and verification: with those of the same person (mated), and with everybody else's
(non-mated). Scores are counted block by block and kept nowhere, so that memory grows with the
photographs and not with their square.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.domain.error_rates import Counts
from service.domain.face import Embedding
from service.domain.template import average

Numbers: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

TEMPLATE_SIZES = (1, 3, 5)

STEPS_OF_A_COSINE = 10_000
"""Thresholds are four decimals, as people set them."""

MOST_SCORES = 4_000_000
"""Of a block: 32 MB."""

WORST = 20
"""Pairs that are named: as many as somebody looks at."""

EVERY_SCORE = -2.0
"""Below every cosine: counts all comparisons."""


def threshold_grid(beside: Sequence[float] = ()) -> Scores:
    """All cosines of four decimals from -1 to 1, and those `beside` them, rising."""
    steps = np.arange(-STEPS_OF_A_COSINE, STEPS_OF_A_COSINE + 1) / STEPS_OF_A_COSINE
    return np.unique(np.concatenate([steps, np.asarray(beside, np.float64)]))


@dataclass(frozen=True, slots=True)
class LabeledSamples:
    """`embeddings`: (n, 512). `person`: (n,), 0, 1, 2, … in order. `group`: (people,), in order as well."""

    embeddings: NDArray[np.float32] = field(repr=False)
    person: Numbers
    group: Numbers

    @staticmethod
    def of(embeddings: Sequence[Embedding], person: Numbers, group: Numbers) -> LabeledSamples:
        return LabeledSamples(np.stack(embeddings), person, group)

    @property
    def people(self) -> int:
        return len(self.group)

    @property
    def groups(self) -> int:
        return int(self.group.max()) + 1

    def of_person(self, person: int) -> Numbers:
        """Where their samples stand."""
        return np.arange(*np.searchsorted(self.person, [person, person + 1]))


@dataclass(frozen=True, slots=True)
class Templates:
    """`embeddings`: (t, 512). `person`: (t,), rising. `own`: (t, size), the samples each was made of."""

    size: int
    embeddings: NDArray[np.float32] = field(repr=False)
    person: Numbers
    own: Numbers

    def __len__(self) -> int:
        return len(self.person)


def templates_of(samples: LabeledSamples, size: int) -> Templates | None:
    """Each person's samples, parted in order; of whoever has one more than a template needs.

    None where nobody has, and for larger templates where less than half of the people have: their rates
    would stand for nobody else.
    """
    numbers = [samples.of_person(person) for person in range(samples.people)]
    enough = [each for each in numbers if len(each) > size]
    if not enough or (size > 1 and 2 * len(enough) < samples.people):
        return None
    if size == 1:
        every = np.arange(len(samples.person))[:, np.newaxis]
        return Templates(1, samples.embeddings, samples.person, every)
    own = np.concatenate([each[: len(each) // size * size].reshape(-1, size) for each in enough])
    means = [average([*samples.embeddings[each]]) for each in own]
    return Templates(size, np.stack(means), samples.person[own[:, 0]], own)


@dataclass(frozen=True, slots=True)
class Block:
    """Some templates against all samples. `rows`: which templates."""

    rows: Numbers
    scores: Scores = field(repr=False)
    mated: Mask = field(repr=False)
    non_mated: Mask = field(repr=False)


def blocks(templates: Templates, samples: LabeledSamples) -> Iterator[Block]:
    height = max(1, MOST_SCORES // len(samples.person))
    probes = samples.embeddings.astype(np.float64).T
    for start in range(0, len(templates), height):
        rows = np.arange(start, min(start + height, len(templates)))
        scores = np.clip(templates.embeddings[rows].astype(np.float64) @ probes, -1.0, 1.0)
        same = templates.person[rows, np.newaxis] == samples.person
        compared = _compared(templates, rows, len(samples.person))
        yield Block(rows, scores, same & compared, ~same & compared)


def _compared(templates: Templates, rows: Numbers, samples: int) -> Mask:
    """A template meets no sample that it was made of; two photographs meet once."""
    if templates.size == 1:
        return np.arange(samples) > rows[:, np.newaxis]
    compared = np.ones((len(rows), samples), np.bool_)
    np.put_along_axis(compared, templates.own[rows], values=False, axis=1)
    return compared


@dataclass(frozen=True, slots=True)
class ScoreCounts:
    """How many scores are at or above each of `thresholds`, (m,), of how many."""

    thresholds: Scores = field(repr=False)
    mated: Counts = field(repr=False)
    non_mated: Counts = field(repr=False)
    mated_trials: int
    non_mated_trials: int


def count_scores(templates: Templates, samples: LabeledSamples, thresholds: Scores) -> ScoreCounts:
    below = np.zeros((2, len(thresholds) + 1), np.int64)
    for block in blocks(templates, samples):
        for kind, mask in enumerate((block.mated, block.non_mated)):
            passed = np.searchsorted(thresholds, block.scores[mask], side="right")
            below[kind] += np.bincount(passed, minlength=below.shape[1])
    trials = below.sum(axis=1)
    mated, non_mated = trials[:, np.newaxis] - np.cumsum(below, axis=1)[:, :-1]
    return ScoreCounts(thresholds, mated, non_mated, int(trials[0]), int(trials[1]))


@dataclass(frozen=True, slots=True)
class PersonCounts:
    """Scores at or above one threshold in which each person took part. `mated`: (people,).

    `non_mated`: (people, groups), by the other one's group; each comparison counts for both people.
    """

    mated: Counts
    non_mated: Counts


def count_by_person(
    templates: Templates, samples: LabeledSamples, thresholds: Sequence[float]
) -> list[PersonCounts]:
    """For each threshold."""
    shape = (len(thresholds), samples.people)
    mated = np.zeros(shape, np.int64)
    non_mated = np.zeros((*shape, samples.groups), np.int64)
    for block in blocks(templates, samples):
        people = templates.person[block.rows]
        for position, threshold in enumerate(thresholds):
            reached = block.scores >= threshold
            np.add.at(mated[position], people, (reached & block.mated).sum(axis=1))
            _add_both_sides(non_mated[position], reached & block.non_mated, people, samples)
    return [PersonCounts(*each) for each in zip(mated, non_mated, strict=True)]


def _add_both_sides(total: Counts, hits: Mask, people: Numbers, samples: LabeledSamples) -> None:
    """Samples and templates stand in the order of groups, so that a group's are one run."""
    of_samples, of_rows = samples.group[samples.person], samples.group[people]
    np.add.at(total, people, _summed_runs(hits, of_samples, axis=1))
    for group, met in zip(np.unique(of_rows), _summed_runs(hits, of_rows, axis=0), strict=True):
        np.add.at(total[:, group], samples.person, met)


def _summed_runs(hits: Mask, labels: Numbers, axis: int) -> Counts:
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    return np.add.reduceat(hits, starts, axis=axis, dtype=np.int64)


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two samples and how alike they are."""

    similarity: float
    first: int
    second: int


def worst_pairs(samples: LabeledSamples) -> tuple[list[Pair], list[Pair]]:
    """The least alike of one person, and the most alike of different people; worst first."""
    single = templates_of(samples, 1)
    mated: list[Pair] = []
    non_mated: list[Pair] = []
    for block in blocks(single, samples) if single else ():
        mated = heapq.nsmallest(WORST, [*mated, *_lowest(block, block.scores, block.mated)])
        highest = _lowest(block, -block.scores, block.non_mated)
        non_mated = heapq.nlargest(WORST, [*non_mated, *highest])
    return mated, non_mated


def _lowest(block: Block, order: Scores, mask: Mask) -> Iterator[Pair]:
    places = np.flatnonzero(mask)
    if len(places) > WORST:
        places = places[np.argpartition(order.ravel()[places], WORST)[:WORST]]
    for row, column in zip(*np.unravel_index(places, mask.shape), strict=True):
        yield Pair(float(block.scores[row, column]), int(block.rows[row]), int(column))
