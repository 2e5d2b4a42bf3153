"""APCER, BPCER and non-response: counted by species, bounded, and not told of too few."""

from __future__ import annotations

import pytest

from service.domain.passive_liveness import Presentation
from service.domain.presentation_attack import (
    LEAST_PRESENTATIONS,
    Answer,
    Measured,
    measured,
)

LIVE, ATTACKED = [0.99], [0.1]


def answers(species: str | None, passed: int, stopped: int, silent: int = 0) -> list[Answer]:
    def some(count: int, scores: list[float], *reasons: str) -> list[Answer]:
        one = Presentation("", species, [])
        return [Answer(one, scores, reasons) for _ in range(count)]

    return [*some(passed, LIVE), *some(stopped, ATTACKED), *some(silent, [], "gray")]


def test_bona_fide_presentations_taken_for_attacks_are_bpcer() -> None:
    error = measured(answers(None, passed=57, stopped=3)).bona_fide.error
    assert error is not None
    assert (error.errors, error.trials, error.value) == (3, 60, 0.05)


def test_attacks_that_pass_are_apcer() -> None:
    [tablet] = measured(answers("tablet", passed=10, stopped=30)).attacks
    assert tablet.error is not None
    assert tablet.error.value == 0.25
    assert len(tablet.wrong) == 10


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    error = measured(answers(None, passed=30, stopped=0)).bona_fide.error
    assert error is not None
    assert error.lower == 0.0
    assert error.upper == pytest.approx(1 - 0.05 ** (1 / 30))


def test_each_species_counts_for_itself_and_the_worst_is_named() -> None:
    found = measured(
        [
            *answers("print", passed=0, stopped=300),
            *answers("tablet", passed=20, stopped=20),
            *answers("mask", passed=5, stopped=35),
        ]
    )
    assert [group.species for group in found.attacks] == ["mask", "print", "tablet"]
    assert found.worst is not None
    assert found.worst.species == "tablet"


def test_nothing_is_said_of_fewer_than_thirty() -> None:
    few = LEAST_PRESENTATIONS - 1
    found = measured([*answers(None, few, 0), *answers("print", few, 0)])
    assert (found.bona_fide.error, found.bona_fide.non_response) == (None, None)
    assert found.worst is None
    assert found.bona_fide.wrong == found.attacks[0].wrong == []
    assert [group.species for group in found.untold] == ["print"]


def test_presentations_without_an_answer_are_a_rate_of_their_own() -> None:
    group = measured(answers("print", passed=3, stopped=27, silent=30)).attacks[0]
    assert group.error is not None
    assert group.non_response is not None
    assert (group.error.value, group.non_response.value) == (0.1, 0.5)
    assert group.reasons == {"gray": 30}


def test_thirty_of_which_one_got_no_answer_are_too_few_for_an_error_rate() -> None:
    group = measured(answers("print", passed=0, stopped=29, silent=1)).attacks[0]
    assert group.error is None
    assert group.non_response is not None


def test_the_median_of_the_pictures_of_a_presentation_counts() -> None:
    attack = Presentation("", "print", [])
    assert Answer(attack, [0.95, 0.1, 0.99]).is_error
    assert not Answer(attack, [0.95, 0.1, 0.2]).is_error


def test_no_attacks_have_no_worst() -> None:
    found: Measured = measured(answers(None, passed=40, stopped=0))
    assert (found.worst, found.attacks) == (None, [])
