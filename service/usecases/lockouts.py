"""Wrong faces are counted; after too many of them a subject is locked for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain.collection import Collection
from service.domain.lockout import (
    Comparison,
    LockoutRules,
    Refusals,
    locked_for_all_until,
    locked_for_any_until,
)

if TYPE_CHECKING:
    from service.storage.failed_comparisons import SubjectForComparison
    from service.storage.transaction import Transaction

logger = logging.getLogger(__name__)


class Lockout:
    """Counts in the transaction that compares, so that every process sees it; it must commit.

    Faces are compared with one subject one after the other: of any number of simultaneous tries
    no more than the allowed ones get a "no", and the rest are turned away whatever they show.
    """

    def __init__(self, rules: LockoutRules, clock: Callable[[], datetime]) -> None:
        self.rules = rules
        self.clock = clock
        self.counted = bool(rules.after)
        """Whether refusals are, and so a subject has to be locked while a face is compared with it."""

    def ends(self, tx: Transaction, collection: Collection, subject_id: str) -> datetime | None:
        """When the subject is open again for every key; None where it is open now."""
        if not self.counted:
            return None
        refusals = tx.failed_comparisons.of(collection, subject_id)
        return locked_for_any_until(refusals, self.clock(), self.rules)

    def settle(
        self,
        tx: Transaction,
        subject: SubjectForComparison,
        subject_id: str,
        comparison: Comparison,
        *,
        match: bool,
    ) -> None:
        """Writes what the comparison changes: after a match what counts still counts, and what is
        past need not be kept.
        """
        whose = subject.collection, subject_id
        if match:
            past = [
                caller
                for caller, each in comparison.refusals.items()
                if each.past_from(comparison.rules) <= comparison.now
            ]
            if past:
                tx.failed_comparisons.delete(*whose, past)
        elif self.counted:
            own = comparison.refused()
            tx.failed_comparisons.put(*whose, comparison.caller, own)
            _warn_if_locked(subject.collection, comparison, own)


def _warn_if_locked(collection: Collection, comparison: Comparison, own: Refusals) -> None:
    where, after = collection.collection_id, {**comparison.refusals, comparison.caller: own}
    if locked_for_all_until(after, comparison.now, comparison.rules):
        logger.warning("a subject of collection %s is locked for every key", where)
    elif own.locked_until:
        logger.warning(
            "a subject of collection %s is locked for the key %s: too many refusals",
            *(where, comparison.caller),
        )
