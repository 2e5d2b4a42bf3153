"""Wrong faces are counted; after too many of them a subject is locked for a while."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.collection import Collection
from service.domain.errors import CollectionNotFound, SubjectLocked, SubjectNotFound
from service.domain.lockout import LockoutRules, one_more
from service.domain.ports import Gallery, Judged, Transaction, Vault
from service.usecases.people import OpenCollection, require_collection

logger = logging.getLogger(__name__)


class Lockout:
    """Counts in the transaction that judges, so that every process sees it; it must commit.

    Faces are judged against one subject one after the other: of any number of simultaneous tries
    no more than the allowed ones get a "no", and the rest are turned away whatever they show.
    """

    def __init__(self, rules: LockoutRules, clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._clock = clock

    def trial(self, tx: Transaction, collection: Collection, subject_id: str) -> Trial:
        """To be asked for before a face is compared. Raises `SubjectLocked`."""
        counted = bool(self._rules.after)
        judged = tx.attempts.trial(collection, subject_id, counted=counted)
        trial = Trial(tx, subject_id, self._rules, self._clock(), judged)
        trial.require_open()
        return trial

    def trial_in(self, tx: Transaction, name: str, subject_id: str) -> Trial:
        """In the collection of this name, `require_open` still to be asked.

        Raises `CollectionNotFound`.
        """
        judged = tx.attempts.trial_in(name, subject_id, counted=bool(self._rules.after))
        if judged is None:
            raise CollectionNotFound
        return Trial(tx, subject_id, self._rules, self._clock(), judged)


class Trial:
    """One face against one subject."""

    def __init__(
        self, tx: Transaction, subject_id: str, rules: LockoutRules, now: datetime, judged: Judged
    ) -> None:
        self._tx = tx
        self.collection = judged.collection
        self.templates = judged.templates
        self._whose = judged.collection, subject_id
        self._rules = rules
        self._now = now
        self._before = judged.refusals

    def require_open(self) -> None:
        """Raises `SubjectLocked`."""
        if self._before and (left := self._before.locked_for(self._now)):
            raise SubjectLocked(math.ceil(left.total_seconds()))

    def refused(self) -> None:
        """It was somebody else's face."""
        if not self._rules.after:
            return
        refusals = one_more(self._before, self._now, self._rules)
        self._tx.attempts.put(*self._whose, refusals)
        if refusals.locked_until:
            where = self._whose[0].collection_id
            logger.warning("a subject of collection %s is locked: too many refusals", where)

    def passed(self) -> None:
        """It was the subject: what was refused before were their own bad photographs."""
        if self._before:
            self._tx.attempts.delete(*self._whose)


class Unlock:
    """Opens a locked subject again, and writes down that it was done."""

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> None:
        """Changes nothing else; one that is open stays so.

        Raises `CollectionNotFound`, `SubjectNotFound`.
        """
        with self._gallery.transaction(collection_name, subject_id) as tx:
            collection = require_collection(tx, collection_name)
            if tx.subjects.find(collection, subject_id) is None:
                raise SubjectNotFound
            tx.attempts.lock(collection, subject_id)
            tx.attempts.delete(collection, subject_id)
            pseudonym = OpenCollection.unlock(collection, self._vault).names.pseudonym(subject_id)
            now = self._clock()
            tx.audit.append(
                AuditEntry(uuid4(), now, caller, Action.UNLOCK, collection_name, pseudonym)
            )
