"""When a subject is locked: after so many faces that were not theirs.

A verification that may be repeated without end is a search: whoever holds a key and enough faces
would find one that passes. The number of tries, times the false match rate, is what is left.

Refusals are counted for the key that sent them, and lock the subject for that key: else the least
of keys could lock everybody out. A match takes nothing back, or every right face would buy a
stranger more tries; refusals are past when their window is over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import SubjectLocked

KEYS_TO_LOCK_ALL = 5
"""So many keys, each with as many refusals as lock it, lock a subject for every key. No key counts
for more than that, so none can do it alone, nor four of them; and whatever number of keys somebody
has, a subject is compared with no more strangers than this many times what one key may try.
"""


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """`after` refusals within `window` the subject is locked for the time `lasts`; 0: never."""

    after: int
    window: timedelta
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is kept of a subject's refusals by one key. `since`: the first of them; `locked_until`:
    None while they are too few.
    """

    number: int
    since: datetime
    locked_until: datetime | None = None

    def past_from(self, rules: LockoutRules) -> datetime:
        """From this moment on they do not count."""
        return self.since + rules.window if self.locked_until is None else self.locked_until


@dataclass(frozen=True, slots=True)
class Comparison:
    """One face against one subject, sent by one key at one moment. `refusals`: those before, by key."""

    refusals: Mapping[str, Refusals]
    caller: str
    now: datetime
    rules: LockoutRules

    def require_open(self) -> None:
        """Raises `SubjectLocked`."""
        if end := locked_until(self.refusals, self.caller, self.now, self.rules):
            raise SubjectLocked(math.ceil((end - self.now).total_seconds()))

    def refused(self) -> Refusals:
        """What is kept for the key once this face was somebody else's."""
        return one_more(self.refusals.get(self.caller), self.now, self.rules)


def one_more(before: Refusals | None, now: datetime, rules: LockoutRules) -> Refusals:
    """After another refusal. What lies before the window, or before a lock that is over, is past."""
    if before is None or before.past_from(rules) <= now:
        before = Refusals(0, now)
    number = before.number + 1
    return Refusals(number, before.since, now + rules.lasts if number >= rules.after else None)


def joined_refusals(
    first: Mapping[str, Refusals],
    second: Mapping[str, Refusals],
    now: datetime,
    rules: LockoutRules,
) -> dict[str, Refusals]:
    """What is kept of two who are one person, by key: all that counts of either, until all of it is past."""
    joined = {**second, **first}
    for caller in first.keys() & second.keys():
        counting = [each[caller] for each in (first, second) if each[caller].past_from(rules) > now]
        if len(counting) > 1:
            joined[caller] = _together(first[caller], second[caller], now, rules)
        elif counting:
            joined[caller] = counting[0]
    return joined


def _together(one: Refusals, other: Refusals, now: datetime, rules: LockoutRules) -> Refusals:
    number = one.number + other.number
    ends = [each.locked_until for each in (one, other) if each.locked_until]
    if not ends and 0 < rules.after <= number:
        ends = [now + rules.lasts]
    return Refusals(number, max(one.since, other.since), max(ends, default=None))


def locked_until(
    refusals: Mapping[str, Refusals], caller: str, now: datetime, rules: LockoutRules
) -> datetime | None:
    """When the subject is open again for `caller`; None where it is open now.

    `refusals`: by the key that sent the faces.
    """
    own = refusals.get(caller)
    mine = own.locked_until if own else None
    ends = [end for end in (mine, locked_for_all_until(refusals, now, rules)) if end and end > now]
    return max(ends, default=None)


def locked_for_any_until(
    refusals: Mapping[str, Refusals], now: datetime, rules: LockoutRules
) -> datetime | None:
    """When the subject is open again for every key; None where it is open for all of them now."""
    ends = [locked_until(refusals, caller, now, rules) for caller in refusals]
    return max((end for end in ends if end), default=None)


def locked_for_all_until(
    refusals: Mapping[str, Refusals], now: datetime, rules: LockoutRules
) -> datetime | None:
    """When fewer refusals count again than lock a subject for every key; None where fewer do now."""
    total = 0
    for each in sorted(refusals.values(), key=lambda one: one.past_from(rules), reverse=True):
        if each.past_from(rules) <= now:
            break
        total += min(each.number, rules.after)
        if total >= rules.after * KEYS_TO_LOCK_ALL:
            return each.past_from(rules)
    return None
