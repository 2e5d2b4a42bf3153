"""How often a key and an address may call: so many calls in a window of time.

A fixed window, which starts with the first call: every storage of the library `limits` has it, it
costs one statement at most, and the time that is left of it is exact, as `Retry-After` must be. The
price: around the end of one window and the start of the next, twice the number may come close
together. Calls are counted in PostgreSQL or in Redis, over all processes; what cannot be counted is
not let in.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.storage import Storage as CounterStorage
from limits.strategies import FixedWindowRateLimiter

from service.domain.errors import DatabaseUnavailable, RateLimited

logger = logging.getLogger(__name__)

OFF = "off"
"""In place of a rate: as many calls as there may be."""

PREFETCHED_PART, MOST_PREFETCHED = 200, 32
"""A process takes the 200th part of a window's calls at a time, at most 32; below 400 each by itself."""

CALLERS_KEPT = 10_000
"""Whose prefetched calls are remembered; whoever was heard of longest ago is forgotten. As many are
remembered to have used up their calls. Strangers choose how many there are."""

REDIS_SECONDS = 1
"""How long Redis may take to answer, or to be reached, before a call is refused."""


class RateLimits:
    """One limit by key, two by the address that a call comes from.

    The limit of failures bounds the calls whose key is missing or wrong, and those only: a right key
    passes whatever others at the same address guess, as behind a proxy or in one office they may. A
    key's 256 random bits are what keeps guesses out; that limit keeps them cheap, and quiet in the log.
    """

    def __init__(
        self,
        counters: CounterStorage,
        *,
        per_key: str = OFF,
        per_address: str = OFF,
        failures: str = OFF,
    ) -> None:
        """The rates are `600/minute` and the like, in the notation of `limits`, or `off`."""
        self._per_key = _limit("key", per_key, counters)
        self._per_address = _limit("address", per_address, counters)
        self._failures = _limit("failures", failures, counters)
        self._proxy_was_seen = Event()

    def admit(self, name: str, address: str) -> None:
        """Counts one more call with the right key `name`.

        Raises `RateLimited`; `DatabaseUnavailable`, `Overloaded` where it cannot be counted.
        """
        if self._per_address:
            self._per_address.count(address)
        if self._per_key:
            self._per_key.count(name)

    def note_failure(self, address: str) -> None:
        """Counts one more call with no key, or a wrong one. Raises what `admit` raises."""
        if self._failures:
            self._failures.count(address)

    def note_proxy(self, forwarding_header: str | None) -> None:
        """Behind a proxy all callers have one address, and the operator should know: once."""
        by_address = self._per_address or self._failures
        if forwarding_header is None or not by_address or self._proxy_was_seen.is_set():
            return
        self._proxy_was_seen.set()
        logger.warning(
            "calls come through a proxy (header %s) while limits by address are on: all its callers"
            " count as one address; set rate_limit_per_address and rate_limit_failures to off, or"
            " higher, and limit addresses in the proxy",
            forwarding_header,
        )


def redis_counters(url: str) -> RedisStorage:
    """Counters in Redis, for several machines or where the database should not count.

    They connect when first used. Their failures are the library's `StorageError`.
    `url`: `redis://…`, `rediss://…` for TLS, `redis+unix://…`.
    """
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )


class WindowLimit:
    """So many calls of each caller in a window.

    `rate`: `600/minute`, in the notation of `limits`. `name` keeps its counts apart from those of
    other limits in the same storage. `clock`: seconds, which no change of the machine's time moves.
    """

    def __init__(
        self,
        name: str,
        rate: str,
        storage: CounterStorage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._rate = parse(rate)
        self._windows = FixedWindowRateLimiter(storage)
        self._prefetch = Prefetch(storage, self._rate)
        self._used_up = TtlSet(clock)
        """Whoever has used up their calls is refused without a trip, until their window ends."""

    def count(self, who: str) -> None:
        """Counts one more call by `who`.

        Raises `RateLimited` where it is one too many; `DatabaseUnavailable`, `Overloaded` where the
        counts cannot be had.
        """
        if left := self._used_up.seconds_left(who):
            raise RateLimited(math.ceil(left))
        with _storage_at_hand():
            if not self._prefetch.take(self._name, who):
                seconds = self._seconds_left(who)
                self._used_up.add(who, seconds)
                raise RateLimited(seconds)

    def _seconds_left(self, who: str) -> int:
        """Of the window; whole seconds, at least one and never more than it has."""
        end = self._windows.get_window_stats(self._rate, self._name, who).reset_time
        return min(self._rate.get_expiry(), max(1, math.ceil(end - time.time())))


def _limit(name: str, rate: str, counters: CounterStorage) -> WindowLimit | None:
    return None if rate == OFF else WindowLimit(name, rate, counters)


@contextmanager
def _storage_at_hand() -> Iterator[None]:
    """Raises `DatabaseUnavailable`. The cause is not logged: it may quote an address with a password."""
    try:
        yield
    except StorageError as error:
        logger.warning("calls cannot be counted: %s", type(error.__cause__).__name__)
        raise DatabaseUnavailable from None


@dataclass(slots=True)
class _Part:
    calls: int
    ends: float
    """Seconds since 1970."""


class Prefetch:
    """Calls of one limit, taken from the storage a few at a time.

    Counting each call by itself costs a trip to the storage for every one. So a process takes a small
    part of the window's calls at once, counted as used, and gives them out as they come: never more
    calls than allowed, over all processes, and as exact as that part is small. What a process took
    and did not need is lost until the window ends.

    Safe to share between threads. Everything raises what the storage raises.
    """

    def __init__(
        self,
        storage: CounterStorage,
        rate: RateLimitItem,
        clock: Callable[[], float] = time.time,
        callers: int = CALLERS_KEPT,
    ) -> None:
        """`clock`: seconds since 1970, as the storage tells the end of a window."""
        self._storage = storage
        self._rate = rate
        self._clock = clock
        self._size = min(MOST_PREFETCHED, max(1, rate.amount // PREFETCHED_PART))
        self._left: OrderedDict[str, _Part] = OrderedDict()
        self._callers = callers
        self._lock = Lock()

    def take(self, *who: str) -> bool:
        """Whether `who` may make one more call."""
        key = self._rate.key_for(*who)
        return self._had(key) or self._fetch(key)

    def _had(self, key: str) -> bool:
        with self._lock:
            part = self._left.get(key)
            if part is None or part.calls < 1 or part.ends <= self._clock():
                return False
            part.calls -= 1
            return True

    def _fetch(self, key: str) -> bool:
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
            more = kept.calls if kept is not None and kept.ends > self._clock() else 0
            self._left[key] = _Part(calls + more, ends)
            self._left.move_to_end(key)
            while len(self._left) > self._callers:
                self._left.popitem(last=False)


class TtlSet:
    """Names, each with a time to live. Once there are too many, all are forgotten.

    Safe to share between threads: each step is one of a dictionary's own.
    """

    def __init__(self, clock: Callable[[], float], most: int = CALLERS_KEPT) -> None:
        """`clock`: seconds."""
        self._clock = clock
        self._most = most
        self._until: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        if len(self._until) >= self._most:
            self._until.clear()
        self._until[name] = self._clock() + seconds

    def seconds_left(self, name: str) -> float:
        """How long `name` lives on; 0 where it is not there."""
        return max(0.0, self._until.get(name, 0.0) - self._clock())
