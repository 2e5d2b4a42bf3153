"""A challenge is random, has a turn, and never asks for what was just done."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from service.domain.challenge import TURNS, Step, random_challenge

RANDOM = np.random.default_rng(12)
CHALLENGES = [random_challenge(lambda n: int(RANDOM.integers(n))) for _ in range(8000)]


def test_challenge_begins_and_ends_ahead() -> None:
    assert {(one[0], one[-1]) for one in CHALLENGES} == {(Step.LOOK_AHEAD, Step.LOOK_AHEAD)}
    assert all(Step.LOOK_AHEAD not in one[1:-1] for one in CHALLENGES)


def test_challenge_has_three_or_four_movements() -> None:
    assert {len(one) - 2 for one in CHALLENGES} == {3, 4}


def test_every_challenge_has_a_turn() -> None:
    assert all(not {*TURNS}.isdisjoint(one) for one in CHALLENGES)


def test_nothing_is_asked_twice_in_a_row_and_coming_closer_once_at_most() -> None:
    assert all(one is not next_ for each in CHALLENGES for one, next_ in pairwise(each))
    assert all(each.count(Step.COME_CLOSER) <= 1 for each in CHALLENGES)


def test_all_of_the_328_are_asked_for() -> None:
    assert len({*CHALLENGES}) == 328


def test_all_of_a_length_are_as_likely() -> None:
    for length in (5, 6):
        asked = [one for one in CHALLENGES if len(one) == length]
        _, counts = np.unique([" ".join(one) for one in asked], return_counts=True)
        expected = len(asked) / len(counts)
        assert np.sum((counts - expected) ** 2 / expected) < len(counts) + 4 * np.sqrt(
            2 * len(counts)
        )


def test_two_challenges_of_the_operating_system_differ() -> None:
    assert len({random_challenge() for _ in range(20)}) > 1
