"""How many may go at once, and how far two clocks may be apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.errors import ClocksDisagree, PurgeHeld
from service.domain.expiry import (
    ALWAYS_REMOVED,
    CLOCK_TOLERANCE,
    ClockWatch,
    Expired,
    require_agreement,
    require_usual,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("difference", [timedelta(0), CLOCK_TOLERANCE, -CLOCK_TOLERANCE])
def test_clocks_agree_within_the_tolerance(difference: timedelta) -> None:
    require_agreement(difference)


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (CLOCK_TOLERANCE + MOMENT, 60),
        (-CLOCK_TOLERANCE - MOMENT, -60),
        (timedelta(days=400), 400 * 86_400),
    ],
)
def test_clocks_that_differ_by_more_are_told_apart(difference: timedelta, told: int) -> None:
    with pytest.raises(ClocksDisagree) as caught:
        require_agreement(difference)
    assert caught.value.values == {"seconds": told}


@pytest.mark.parametrize(
    ("expired", "people", "may_go"),
    [
        (0, 0, True),
        (ALWAYS_REMOVED, ALWAYS_REMOVED, True),
        (ALWAYS_REMOVED + 1, ALWAYS_REMOVED + 1, False),
        (200, 1000, True),
        (201, 1000, False),
        (200_000, 1_000_000, True),
        (200_001, 1_000_000, False),
    ],
)
def test_small_numbers_and_small_shares_go_without_a_word(
    expired: int, people: int, may_go: bool
) -> None:
    assert Expired(expired, people).may_go is may_go


def test_too_many_are_told_with_their_numbers() -> None:
    require_usual(Expired(100, 100))
    with pytest.raises(PurgeHeld) as caught:
        require_usual(Expired(400, 500))
    assert caught.value.values == {"expired": 400, "people": 500}


class Machine:
    """Its two clocks: the one that is set, and the one that only runs."""

    def __init__(self) -> None:
        self.now, self.seconds = NOW, 0.0

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.now, lambda: self.seconds)


def test_nobody_knows_how_a_clock_runs_at_the_first_look() -> None:
    machine = Machine()
    watch = machine.watch()
    assert not watch.ran_steadily()
    machine.passes(300)
    assert watch.ran_steadily()


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_clock_that_was_set_is_believed_one_look_later(jump: timedelta) -> None:
    machine = Machine()
    watch = machine.watch()
    watch.ran_steadily()
    machine.passes(300)
    machine.now += jump
    assert not watch.ran_steadily()
    machine.passes(300)
    assert watch.ran_steadily()


def test_clock_that_is_moved_a_little_runs_steadily() -> None:
    machine = Machine()
    watch = machine.watch()
    watch.ran_steadily()
    machine.passes(300)
    machine.now += CLOCK_TOLERANCE
    assert watch.ran_steadily()
