"""When somebody is expired, and when the expired may be removed for good.

From the moment of their expiry on a person is not enrolled, whether their rows are there or not.
Removal cannot be undone, and a clock can be wrong: so two clocks must agree about the moment, and
where a large part of a collection is expired at once, an operator must have said that it is so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.collection import CollectionSettings, Subject
from service.domain.errors import ClocksDisagree, PurgeHeld

CLOCK_TOLERANCE = timedelta(minutes=1)
"""Between the process's clock and the database's. Machines under NTP differ by milliseconds, one
that was just resumed by seconds; people expire by days.
"""

ALWAYS_REMOVED = 100
"""Expired people of a collection who may go without an operator's word, however small it is: the
visitors of a day all expire at its end.
"""

SHARE_REMOVED = 5
"""One in so many may go. A month's retention takes a thirtieth a day, so this is a week's outage."""


def expiry_of(subject: Subject, settings: CollectionSettings) -> datetime | None:
    """The earlier of the person's own and the collection's, which counts from the first enrollment
    whatever was added later; None for neither.
    """
    ends = [] if subject.expires_at is None else [subject.expires_at]
    if settings.retention_days is not None:
        ends.append(subject.enrolled_at + timedelta(days=settings.retention_days))
    return min(ends, default=None)


def is_expired(subject: Subject, settings: CollectionSettings, now: datetime) -> bool:
    """Whether they are enrolled no longer. `storage/expiry.py` asks the same in SQL."""
    expiry = expiry_of(subject, settings)
    return expiry is not None and expiry <= now


@dataclass(frozen=True, slots=True)
class Expired:
    """How many of a collection's `people` are expired: `number`."""

    number: int
    people: int

    @property
    def may_go(self) -> bool:
        """Without an operator's word."""
        return self.number <= max(ALWAYS_REMOVED, self.people // SHARE_REMOVED)


class ClockWatch:
    """Whether the clock ran, from one look to the next, as the time that has really passed.

    The embedded database has the process's own clock, which cannot contradict it. But a clock that
    is set forward for a moment is back at the next look, and a process that lives for a moment has
    no next look.
    """

    def __init__(
        self, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._before: tuple[datetime, float] | None = None

    def ran_steadily(self) -> bool:
        """Since the look before; False at the first. A machine that slept is steady again later."""
        now, before = (self._clock(), self._monotonic()), self._before
        self._before = now
        if before is None:
            return False
        passed = timedelta(seconds=now[1] - before[1])
        return abs(now[0] - before[0] - passed) <= CLOCK_TOLERANCE


def require_agreement(difference: timedelta) -> None:
    """Raises `ClocksDisagree` where the process's clock is ahead of the database's, or behind, by
    more than is explained.
    """
    if abs(difference) > CLOCK_TOLERANCE:
        raise ClocksDisagree(seconds=round(difference.total_seconds()))


def require_usual(expired: Expired) -> None:
    """Raises `PurgeHeld` where so many are expired that somebody has to look first."""
    if not expired.may_go:
        raise PurgeHeld(expired=expired.number, people=expired.people)
