"""So many calls in a window of time.

A fixed window, which starts with the first call: every storage of the library has it, it costs one
statement at most, and the time that is left of it is exact, as `Retry-After` must be. The price:
around the end of one window and the start of the next, twice the number may come close together.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from limits import parse
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from service.domain.errors import DatabaseUnavailable, RateLimited
from service.limiting.deadlines import Deadlines
from service.limiting.leases import Leases

logger = logging.getLogger(__name__)


class WindowLimit:
    """Implements `RateLimit`.

    `rate`: `600/minute`, in the notation of `limits`. `name` keeps its counts apart from those of
    other limits in the same storage.
    """

    def __init__(self, name: str, rate: str, storage: Storage) -> None:
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
