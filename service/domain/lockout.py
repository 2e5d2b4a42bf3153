"""When a subject is locked: after so many faces that were not theirs.

A verification that may be repeated without end is a search: whoever holds a key and enough faces
would find one that passes. The number of tries, times the false match rate, is what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """`after` refusals within `window` the subject is locked for the time `lasts`; 0: never."""

    after: int
    window: timedelta
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is kept of a subject's refusals. `since`: the first; `locked_until`: None, not locked."""

    number: int
    since: datetime
    locked_until: datetime | None = None

    def locked_for(self, now: datetime) -> timedelta | None:
        """How long the subject stays locked; None where it is open."""
        if self.locked_until is None or self.locked_until <= now:
            return None
        return self.locked_until - now


def one_more(before: Refusals | None, now: datetime, rules: LockoutRules) -> Refusals:
    """After another refusal. What lies before the window, or before a lock that is over, is past."""
    past = before is None or before.locked_until or now - before.since >= rules.window
    number, since = (1, now) if before is None or past else (before.number + 1, before.since)
    return Refusals(number, since, now + rules.lasts if number >= rules.after else None)
