"""Calls taken a few at a time: fewer trips, and never a call more than allowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from limits import parse
from limits.storage import MemoryStorage

from service.api.rate_limits import MOST_PREFETCHED, Prefetch, TtlSet, WindowLimit
from service.domain.errors import RateLimited
from tests.api.conftest import Opened


class CountingStorage(MemoryStorage):
    """`trips`: those that count."""

    trips = 0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self.trips += 1
        return super().incr(key, expiry, amount)


def taken(parts: list[Prefetch], calls: int) -> int:
    return sum(parts[call % len(parts)].take("till") for call in range(calls))


@pytest.mark.parametrize("allowed", [399, 400, 1000, 1003])
def test_as_many_as_allowed_and_no_more(allowed: int) -> None:
    one = Prefetch(MemoryStorage(), parse(f"{allowed}/hour"))
    assert taken([one], allowed + 50) == allowed


def test_several_processes_together_get_no_more(opened: Opened) -> None:
    parts = [Prefetch(opened(), parse("2000/hour")) for _ in range(3)]
    with ThreadPoolExecutor(3) as processes:
        assert sum(processes.map(lambda part: taken([part], 900), parts)) == 2000


def test_small_limit_is_counted_call_by_call() -> None:
    storage = CountingStorage()
    taken([Prefetch(storage, parse("399/hour"))], 20)
    assert storage.trips == 20


def test_large_limit_takes_few_trips() -> None:
    storage = CountingStorage()
    taken([Prefetch(storage, parse("1000000/hour"))], 10 * MOST_PREFETCHED)
    assert storage.trips == 10


class Clock:
    """Seconds that stand until they are set on."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_what_is_left_ends_with_its_window() -> None:
    storage, rate, clock = CountingStorage(), parse("1000000/hour"), Clock()
    part = Prefetch(storage, rate, clock)
    taken([part], 2)
    assert storage.trips == 1
    clock.now = storage.get_expiry(rate.key_for("till"))
    taken([part], 1)
    assert storage.trips == 2


def test_whoever_was_forgotten_takes_anew() -> None:
    storage = CountingStorage()
    part = Prefetch(storage, parse("1000000/hour"), callers=2)
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


def test_calls_are_asked_about_anew_when_the_window_is_over() -> None:
    storage, clock = MemoryStorage(), Clock()
    limit = WindowLimit("failures", "1/hour", storage, clock)
    limit.count("till")
    with pytest.raises(RateLimited) as refusal:
        limit.count("till")
    clock.now += refusal.value.retry_after
    storage.reset()
    limit.count("till")


def test_names_are_forgotten_before_they_are_too_many() -> None:
    names = TtlSet(Clock(), most=2)
    for name in ("a", "b", "c"):
        names.add(name, 60)
    assert [bool(names.seconds_left(name)) for name in ("a", "b", "c")] == [False, False, True]
