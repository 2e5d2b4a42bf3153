"""So many calls in a window, whoever counts them; and nobody is let in uncounted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from limits.storage import MemoryStorage
from limits.storage import Storage as CounterStorage

from service.api.rate_limits import RateLimits, WindowLimit, redis_counters
from service.domain.errors import DatabaseUnavailable, RateLimited
from service.storage.storage import Storage
from tests.api.conftest import LOOPBACK, Opened

NOBODY_LISTENS = f"{LOOPBACK}:1"


def passes(limit: WindowLimit, who: str = "till") -> bool:
    try:
        limit.count(who)
    except RateLimited:
        return False
    return True


@pytest.fixture
def limit(opened: Opened) -> WindowLimit:
    return WindowLimit("key", "3/hour", opened())


def test_as_many_calls_as_allowed_pass(limit: WindowLimit) -> None:
    assert [passes(limit) for _ in range(5)] == [True, True, True, False, False]


def test_refused_caller_is_told_when_the_window_ends(limit: WindowLimit) -> None:
    for _ in range(3):
        limit.count("till")
    with pytest.raises(RateLimited) as refusal:
        limit.count("till")
    assert 3590 <= refusal.value.retry_after <= 3600


def test_callers_are_counted_apart(limit: WindowLimit) -> None:
    assert [passes(limit, who) for who in ("a", "a", "a", "b", "a")] == [True] * 4 + [False]


def test_limits_of_two_names_are_counted_apart(opened: Opened) -> None:
    storage = opened()
    for name in ("key", "address"):
        assert passes(WindowLimit(name, "1/hour", storage))


def test_several_processes_at_once_share_the_count(opened: Opened) -> None:
    limits = [WindowLimit("key", "20/hour", opened()) for _ in range(2)]
    with ThreadPoolExecutor(8) as callers:
        passed = list(callers.map(passes, limits * 25))
    assert sum(passed) == 20


def test_where_a_limit_is_off_everybody_passes() -> None:
    storage = MemoryStorage()
    limits = RateLimits(storage)
    for _ in range(100):
        limits.admit("till", "192.0.2.1")
        limits.note_failure("192.0.2.1")
    assert not storage.storage


@pytest.mark.parametrize("storage", ["postgresql", "redis"])
def test_nobody_passes_while_the_storage_is_away(
    storage: str, caplog: pytest.LogCaptureFixture
) -> None:
    counters: CounterStorage
    if storage == "redis":
        counters = redis_counters(f"redis://:s3cr3t@{NOBODY_LISTENS}")
    else:
        counters = Storage(f"postgresql://face:s3cr3t@{NOBODY_LISTENS}/face").counters()
    limit = WindowLimit("key", "3/hour", counters)
    with pytest.raises(DatabaseUnavailable):
        limit.count("till")
    assert caplog.records
    assert "s3cr3t" not in caplog.text
