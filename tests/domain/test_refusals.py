"""When refusals count together, when they lock, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.lockout import LockoutRules, Refusals, one_more

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = LockoutRules(after=3, window=15 * MINUTE, lasts=5 * MINUTE)


def test_first_refusal_opens_the_window() -> None:
    assert one_more(None, NOON, RULES) == Refusals(1, since=NOON)


def test_refusals_within_the_window_count_together() -> None:
    assert one_more(Refusals(1, NOON), NOON + 14 * MINUTE, RULES) == Refusals(2, NOON)


def test_refusal_after_the_window_is_the_first_of_another() -> None:
    later = NOON + 15 * MINUTE
    assert one_more(Refusals(2, NOON), later, RULES) == Refusals(1, later)


def test_last_refusal_locks_from_then_on() -> None:
    now = NOON + MINUTE
    assert one_more(Refusals(2, NOON), now, RULES) == Refusals(3, NOON, now + 5 * MINUTE)


def test_refusal_after_a_lock_counts_anew() -> None:
    over = Refusals(3, NOON, locked_until=NOON + 5 * MINUTE)
    now = NOON + 6 * MINUTE
    assert one_more(over, now, RULES) == Refusals(1, now)


@pytest.mark.parametrize(
    ("locked_until", "left"),
    [(None, None), (NOON - MINUTE, None), (NOON, None), (NOON + MINUTE, MINUTE)],
)
def test_lock_lasts_until_its_end(locked_until: datetime | None, left: timedelta | None) -> None:
    assert Refusals(3, NOON - MINUTE, locked_until).locked_for(NOON) == left
