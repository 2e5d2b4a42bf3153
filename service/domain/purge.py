"""When people may be removed for good because their time is over.

Removal cannot be undone, and a clock can be wrong: so two clocks must agree about the moment, and
where a large part of a collection is expired at once, an operator must have said that it is so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class Expired:
    """How many of a collection's `people` are expired: `number`."""

    number: int
    people: int

    @property
    def may_go(self) -> bool:
        """Without an operator's word."""
        return self.number <= max(ALWAYS_REMOVED, self.people // SHARE_REMOVED)


def require_agreement(process: datetime, database: datetime) -> None:
    """Raises `ClocksDisagree` where the two clocks differ by more than is explained."""
    difference = process - database
    if abs(difference) > CLOCK_TOLERANCE:
        raise ClocksDisagree(seconds=round(difference.total_seconds()))


def require_usual(expired: Expired) -> None:
    """Raises `PurgeHeld` where so many are expired that somebody has to look first."""
    if not expired.may_go:
        raise PurgeHeld(expired=expired.number, people=expired.people)
