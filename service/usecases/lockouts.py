"""Wrong faces are counted; after too many of them a subject is locked for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain.audit import Action
from service.domain.collection import Collection
from service.domain.errors import SubjectNotFound
from service.domain.lockout import (
    Comparison,
    LockoutRules,
    Refusals,
    locked_for_all_until,
)
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.unlocked_collection import require_collection

if TYPE_CHECKING:
    from service.storage.failed_comparisons import SubjectForComparison
    from service.storage.storage import Storage
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


class Unlock:
    """Opens a locked subject again, and records that it was done."""

    def __init__(self, storage: Storage, audit: AuditRecorder) -> None:
        self._storage = storage
        self._audit = audit

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> None:
        """Changes nothing else; one that is open stays so.

        Raises `CollectionNotFound`, `SubjectNotFound`.
        """
        with self._storage.transaction(collection_name, subject_id) as tx:
            collection = require_collection(tx, collection_name)
            if tx.subjects.find(collection, subject_id) is None:
                raise SubjectNotFound
            tx.failed_comparisons.lock_subject(collection, subject_id)
            tx.failed_comparisons.delete(collection, subject_id)
            self._audit.record(tx, Action.UNLOCK, caller, collection, subject_id)
