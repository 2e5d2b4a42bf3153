"""Calls taken from the common count a few at a time.

Counting each call by itself costs a trip to the storage for every one. So a process takes a small
part of the window's calls at once, counted as used, and gives them out as they come: never more
calls than allowed, over all processes, and as exact as that part is small. What a process took and
did not need is lost until the window ends.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from limits import RateLimitItem
from limits.storage import Storage

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

    def __init__(self, storage: Storage, rate: RateLimitItem) -> None:
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
