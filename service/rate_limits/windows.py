"""Moments that names wait for.

Calls taken from the common count a few at a time.

Counting each call by itself costs a trip to the storage for every one. So a process takes a small
part of the window's calls at once, counted as used, and gives them out as they come: never more
calls than allowed, over all processes, and as exact as that part is small. What a process took and
did not need is lost until the window ends.

Counters in Redis, for several machines or where the database should not count.

So many calls in a window of time.

A fixed window, which starts with the first call: every storage of the library has it, it costs one
statement at most, and the time that is left of it is exact, as `Retry-After` must be. The price:
around the end of one window and the start of the next, twice the number may come close together.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.storage import Storage as CounterStorage
from limits.strategies import FixedWindowRateLimiter

from service.domain.errors import DatabaseUnavailable, RateLimited

logger = logging.getLogger(__name__)

NAMES_KEPT = 10_000
"""Then all are forgotten, and noted again as they come: strangers choose how many there are."""


class Deadlines:
    """Safe to share between threads: each step is one of a dictionary's own."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        if len(self._until) >= NAMES_KEPT:
            self._until.clear()
        self._until[name] = time.monotonic() + seconds

    def seconds_left(self, name: str) -> float:
        """0 where it waits for nothing."""
        return max(0.0, self._until.get(name, 0.0) - time.monotonic())


SHARE, MOST = 200, 32
"""Taken at a time: the 200th part of the limit, at most 32 calls; below 400, each by itself."""

CALLERS_KEPT = 10_000
"""Of whom something may be left over; the one heard of longest ago is forgotten."""


@dataclass(slots=True)
class _Lease:
    calls: int
    ends: float
    """By the clock of `time.time`, as the library tells the end of a window."""


class Leases:
    """Of one limit. Safe to share between threads. Everything raises what the storage raises."""

    def __init__(self, storage: CounterStorage, rate: RateLimitItem) -> None:
        self._storage = storage
        self._rate = rate
        self._size = min(MOST, max(1, rate.amount // SHARE))
        self._left: OrderedDict[str, _Lease] = OrderedDict()
        self._lock = Lock()

    def take(self, *who: str) -> bool:
        """Whether `who` may make one more call."""
        key = self._rate.key_for(*who)
        return self._had(key) or self._lease(key)

    def _had(self, key: str) -> bool:
        with self._lock:
            lease = self._left.get(key)
            if lease is None or lease.calls < 1 or lease.ends <= time.time():
                return False
            lease.calls -= 1
            return True

    def _lease(self, key: str) -> bool:
        """At the end of a window fewer are left than were asked for."""
        counted = self._storage.incr(key, self._rate.get_expiry(), self._size)
        granted = self._size - max(0, counted - self._rate.amount)
        if granted > 1:
            self._keep(key, granted - 1)
        return granted > 0

    def _keep(self, key: str, calls: int) -> None:
        ends = self._storage.get_expiry(key)
        with self._lock:
            kept = self._left.get(key)
            more = kept.calls if kept is not None and kept.ends > time.time() else 0
            self._left[key] = _Lease(calls + more, ends)
            self._left.move_to_end(key)
            while len(self._left) > CALLERS_KEPT:
                self._left.popitem(last=False)


REPLY_SECONDS = 1
"""How long Redis may take to answer, or to be reached, before a call is refused."""


def redis_counters(url: str) -> RedisStorage:
    """Connects when first used. Its failures are the library's `StorageError`.

    `url`: `redis://…`, `rediss://…` for TLS, `redis+unix://…`.
    """
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_timeout=REPLY_SECONDS,
        socket_connect_timeout=REPLY_SECONDS,
    )


class WindowLimit:
    """Implements `RateLimit`.

    `rate`: `600/minute`, in the notation of `limits`. `name` keeps its counts apart from those of
    other limits in the same storage.
    """

    def __init__(self, name: str, rate: str, storage: CounterStorage) -> None:
        self._name = name
        self._rate = parse(rate)
        self._windows = FixedWindowRateLimiter(storage)
        self._leases = Leases(storage, self._rate)
        self._used_up = Deadlines()
        """Whoever has used up their calls is refused without a trip, until their window ends."""

    def count(self, who: str) -> None:
        if left := self._used_up.seconds_left(who):
            raise RateLimited(math.ceil(left))
        with _storage_at_hand():
            if not self._leases.take(self._name, who):
                seconds = self._seconds_left(who)
                self._used_up.note(who, seconds)
                raise RateLimited(seconds)

    def _seconds_left(self, who: str) -> int:
        """Of the window; whole seconds, at least one and never more than it has."""
        end = self._windows.get_window_stats(self._rate, self._name, who).reset_time
        return min(self._rate.get_expiry(), max(1, math.ceil(end - time.time())))


class Unlimited:
    """Implements `RateLimit` where there is none."""

    def count(self, who: str) -> None:
        pass


@contextmanager
def _storage_at_hand() -> Iterator[None]:
    """Raises `DatabaseUnavailable`. The cause is not logged: it may quote an address with a password."""
    try:
        yield
    except StorageError as error:
        logger.warning("calls cannot be counted: %s", type(error.__cause__).__name__)
        raise DatabaseUnavailable from None
