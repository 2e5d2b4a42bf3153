"""Wrong faces are counted; after too many of them a subject is locked for a while."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain.audit import Action
from service.domain.errors import SubjectLocked, SubjectNotFound
from service.domain.lockout import (
    LockoutRules,
    Refusals,
    locked_for_all_until,
    locked_until,
    one_more,
)
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.unlocked_collection import require_collection

if TYPE_CHECKING:
    from service.storage.failed_comparisons import SubjectForComparison
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

logger = logging.getLogger(__name__)


class Lockout:
    """Counts in the transaction that compares, so that every process sees it; it must commit.

    Faces are compared with one subject one after the other: of any number of simultaneous tries
    no more than the allowed ones get a "no", and the rest are turned away whatever they show.
    """

    def __init__(self, rules: LockoutRules, clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._clock = clock
        self.counted = bool(rules.after)
        """Whether refusals are, and so a subject has to be locked while a face is compared with it."""

    def comparison(
        self, tx: Transaction, subject: SubjectForComparison, subject_id: str, caller: str
    ) -> Comparison:
        """To be asked for before a face is compared. Raises `SubjectLocked`."""
        comparison = Comparison(tx, subject_id, caller, self._rules, self._clock(), subject)
        comparison.require_open()
        return comparison


class Comparison:
    """One face against one subject, sent by one key."""

    def __init__(
        self,
        tx: Transaction,
        subject_id: str,
        caller: str,
        rules: LockoutRules,
        now: datetime,
        subject: SubjectForComparison,
    ) -> None:
        self._tx = tx
        self.collection = subject.collection
        self._whose = subject.collection, subject_id
        self._caller = caller
        self._rules = rules
        self._now = now
        self._before = subject.refusals

    def require_open(self) -> None:
        """Raises `SubjectLocked`."""
        if end := locked_until(self._before, self._caller, self._now, self._rules):
            raise SubjectLocked(math.ceil((end - self._now).total_seconds()))

    def refused(self) -> None:
        """It was somebody else's face."""
        if not self._rules.after:
            return
        own = one_more(self._before.get(self._caller), self._now, self._rules)
        self._tx.failed_comparisons.put(*self._whose, self._caller, own)
        self._tell({**self._before, self._caller: own})

    def _tell(self, after: Mapping[str, Refusals]) -> None:
        where = self.collection.collection_id
        if locked_for_all_until(after, self._now, self._rules):
            logger.warning("a subject of collection %s is locked for every key", where)
        elif after[self._caller].locked_until:
            logger.warning(
                "a subject of collection %s is locked for the key %s: too many refusals",
                *(where, self._caller),
            )

    def passed(self) -> None:
        """It was the subject. What counts still counts; what is past need not be kept."""
        past = [
            caller
            for caller, each in self._before.items()
            if each.past_from(self._rules) <= self._now
        ]
        if past:
            self._tx.failed_comparisons.delete(*self._whose, past)


class Unlock:
    """Opens a locked subject again, and records that it was done."""

    def __init__(self, storage: Storage, vault: Vault, audit: AuditRecorder) -> None:
        self._storage = storage
        self._vault = vault
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
            pseudonyms = self._vault.unlock_pseudonyms(collection.collection_id, collection.keys)
            pseudonym = pseudonyms.pseudonym(subject_id)
            self._audit.record(tx, Action.UNLOCK, caller, collection_name, pseudonym)
