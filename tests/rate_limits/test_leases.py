"""Calls taken a few at a time: fewer trips, and never a call more than allowed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from limits import parse
from limits.storage import MemoryStorage

from service.domain.errors import RateLimited
from service.rate_limits import windows as deadlines
from service.rate_limits import windows as leases
from service.rate_limits.windows import MOST, Deadlines, Leases, WindowLimit
from tests.rate_limits.conftest import Opened


class CountingStorage(MemoryStorage):
    """`trips`: those that count."""

    trips = 0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self.trips += 1
        return super().incr(key, expiry, amount)


def taken(parts: list[Leases], calls: int) -> int:
    return sum(parts[call % len(parts)].take("till") for call in range(calls))


@pytest.mark.parametrize("allowed", [399, 400, 1000, 1003])
def test_as_many_as_allowed_and_no_more(allowed: int) -> None:
    one = Leases(MemoryStorage(), parse(f"{allowed}/hour"))
    assert taken([one], allowed + 50) == allowed


def test_several_processes_together_get_no_more(opened: Opened) -> None:
    parts = [Leases(opened(), parse("2000/hour")) for _ in range(3)]
    with ThreadPoolExecutor(3) as processes:
        assert sum(processes.map(lambda part: taken([part], 900), parts)) == 2000


def test_small_limit_is_counted_call_by_call() -> None:
    storage = CountingStorage()
    taken([Leases(storage, parse("399/hour"))], 20)
    assert storage.trips == 20


def test_large_limit_takes_few_trips() -> None:
    storage = CountingStorage()
    taken([Leases(storage, parse("1000000/hour"))], 10 * MOST)
    assert storage.trips == 10


def test_what_is_left_ends_with_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = CountingStorage()
    part = Leases(storage, parse("1000000/hour"))
    taken([part], 2)
    end = storage.get_expiry(part._rate.key_for("till"))
    monkeypatch.setattr(time, "time", lambda: end)
    before = storage.trips
    taken([part], 1)
    assert storage.trips == before + 1


def test_whoever_was_forgotten_takes_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "CALLERS_KEPT", 2)
    storage = CountingStorage()
    part = Leases(storage, parse("1000000/hour"))
    for who in ("a", "b", "c", "c", "a"):
        assert part.take(who)
    assert storage.trips == 4


def test_who_has_used_up_their_calls_is_refused_without_a_trip() -> None:
    storage = CountingStorage()
    limit = WindowLimit("failures", "3/hour", storage)
    passed = 0
    for _ in range(100):
        with suppress(RateLimited):
            limit.count("till")
            passed += 1
    assert (passed, storage.trips) == (3, 4)


def test_calls_are_asked_about_anew_when_the_window_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = MemoryStorage()
    limit = WindowLimit("failures", "1/hour", storage)
    limit.count("till")
    with pytest.raises(RateLimited) as refusal:
        limit.count("till")
    later = time.monotonic() + refusal.value.retry_after
    monkeypatch.setattr(time, "monotonic", lambda: later)
    storage.reset()
    limit.count("till")


def test_names_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "NAMES_KEPT", 2)
    waiting = Deadlines()
    for name in ("a", "b", "c"):
        waiting.note(name, 60)
    assert [bool(waiting.seconds_left(name)) for name in ("a", "b", "c")] == [False, False, True]
