"""Counters of calls: rows of their own, that go when their time is over."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from service.storage.counters import SWEPT_AT_A_TIME, CallCounters
from service.storage.engine import single_use_engine
from service.storage.storage import Storage

HOUR = 3600


@pytest.fixture
def counters(storage: Storage) -> CallCounters:
    return storage.counters()


def _windows(url: str) -> dict[str, int]:
    with single_use_engine(url).connect() as connection:
        rows = connection.execute(text("SELECT key, calls FROM rate_counters")).all()
        return {row.key: row.calls for row in rows}


def _end_all(url: str) -> None:
    with single_use_engine(url).begin() as connection:
        connection.execute(text("UPDATE rate_counters SET ends_at = now() - interval '1 second'"))


def test_calls_add_up(counters: CallCounters) -> None:
    assert [counters.incr("a", HOUR), counters.incr("a", HOUR, 2), counters.get("a")] == [1, 3, 3]


def test_nobody_has_called_yet(counters: CallCounters) -> None:
    assert counters.get("a") == 0
    assert counters.get_expiry("a") == pytest.approx(time.time(), abs=5)


def test_window_ends_after_its_time(counters: CallCounters) -> None:
    counters.incr("a", HOUR)
    assert counters.get_expiry("a") == pytest.approx(time.time() + HOUR, abs=5)


def test_later_calls_do_not_move_the_end(counters: CallCounters) -> None:
    counters.incr("a", HOUR)
    end = counters.get_expiry("a")
    counters.incr("a", 2 * HOUR)
    assert counters.get_expiry("a") == pytest.approx(end, abs=5)


def test_window_that_is_over_starts_anew(counters: CallCounters, database_url: str) -> None:
    counters.incr("a", HOUR, 5)
    _end_all(database_url)
    assert counters.get("a") == 0
    assert counters.incr("a", HOUR) == 1
    assert counters.get_expiry("a") > time.time() + HOUR / 2


def test_window_from_a_clock_far_ahead_is_over(counters: CallCounters, database_url: str) -> None:
    """It would shut its caller out for as long as the clock was ahead."""
    counters.incr("a", HOUR, 5)
    with single_use_engine(database_url).begin() as connection:
        connection.execute(text("UPDATE rate_counters SET ends_at = ends_at + interval '400 days'"))
    assert counters.get("a") == 0
    assert counters.incr("a", HOUR) == 1
    assert counters.get_expiry("a") == pytest.approx(time.time() + HOUR, abs=5)


def test_windows_that_are_over_are_removed(counters: CallCounters, database_url: str) -> None:
    for number in range(SWEPT_AT_A_TIME + 2):
        counters.incr(f"old{number}", HOUR)
    _end_all(database_url)
    counters.incr("new", HOUR)
    assert len(_windows(database_url)) == 3
    counters.incr("newer", HOUR)
    assert _windows(database_url) == {"new": 1, "newer": 1}


def test_one_key_is_cleared_or_all_are(counters: CallCounters) -> None:
    for key in ("a", "b", "c"):
        counters.incr(key, HOUR)
    counters.clear("a")
    assert [counters.get("a"), counters.get("b")] == [0, 1]
    assert counters.reset() == 2
    assert counters.check()


def test_counting_is_not_logged_to_the_disk(database_url: str) -> None:
    with single_use_engine(database_url).connect() as connection:
        query = "SELECT relpersistence FROM pg_class WHERE relname = 'rate_counters'"
        assert connection.scalar(text(query)) == "u"
