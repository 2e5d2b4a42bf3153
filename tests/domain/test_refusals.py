"""When refusals count together, when they lock whom, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.lockout import (
    KEYS_TO_LOCK_ALL,
    LockoutRules,
    Refusals,
    locked_for_all_until,
    locked_until,
    one_more,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = LockoutRules(after=3, window=15 * MINUTE, lasts=5 * MINUTE)


def locks(number: int, since: datetime = NOON) -> dict[str, Refusals]:
    """So many keys that have each locked themselves out."""
    return {f"key-{n}": Refusals(3, since, since + 5 * MINUTE) for n in range(number)}


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
    ("end", "left"),
    [(None, None), (NOON - MINUTE, None), (NOON, None), (NOON + MINUTE, NOON + MINUTE)],
)
def test_lock_lasts_until_its_end(end: datetime | None, left: datetime | None) -> None:
    refusals = {"till": Refusals(3, NOON - MINUTE, end)}
    assert locked_until(refusals, "till", NOON, RULES) == left


def test_lock_is_the_keys_own() -> None:
    refusals = locks(KEYS_TO_LOCK_ALL - 1)
    assert locked_until(refusals, "key-0", NOON, RULES) == NOON + 5 * MINUTE
    assert locked_until(refusals, "another", NOON, RULES) is None


def test_enough_keys_lock_it_for_all() -> None:
    refusals = locks(KEYS_TO_LOCK_ALL)
    assert locked_until(refusals, "another", NOON, RULES) == NOON + 5 * MINUTE


def test_one_key_counts_for_one_however_often_it_was_refused() -> None:
    refusals = {"key": Refusals(1000, NOON, NOON + MINUTE)} | locks(KEYS_TO_LOCK_ALL - 2)
    assert locked_until(refusals, "another", NOON, RULES) is None


def test_lock_for_all_ends_when_fewer_count() -> None:
    early = {"early": Refusals(3, NOON - MINUTE, NOON + MINUTE)}
    refusals = locks(KEYS_TO_LOCK_ALL - 1) | early
    assert locked_for_all_until(refusals, NOON, RULES) == NOON + MINUTE
    assert locked_for_all_until(refusals, NOON + MINUTE, RULES) is None


def test_refusals_that_are_too_few_to_lock_a_key_count_as_well() -> None:
    few = {f"few-{n}": Refusals(1, NOON) for n in range(3)}
    refusals = locks(KEYS_TO_LOCK_ALL - 1) | few
    assert locked_for_all_until(refusals, NOON, RULES) == NOON + 5 * MINUTE
    assert locked_for_all_until(few, NOON, RULES) is None


def test_longer_of_two_locks_is_told() -> None:
    refusals = locks(KEYS_TO_LOCK_ALL) | {"till": Refusals(3, NOON, NOON + 9 * MINUTE)}
    assert locked_until(refusals, "till", NOON, RULES) == NOON + 9 * MINUTE


def test_past_refusals_lock_nobody() -> None:
    long_ago = locks(2 * KEYS_TO_LOCK_ALL, NOON - 60 * MINUTE)
    assert locked_until(long_ago, "key-0", NOON, RULES) is None
