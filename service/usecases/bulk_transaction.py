"""Enroll many people in one transaction: all of those who may be, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service.domain.audit import Action, Outcome
from service.domain.bulk import BulkCandidate, BulkOutcome, Result, refused
from service.domain.callers import Caller
from service.domain.collection import Collection, DuplicatePolicy
from service.domain.errors import SubjectExists
from service.domain.thresholds import Calibration
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.duplicate_check import (
    DuplicateCheck,
    DuplicateRule,
    check_duplicates_of_many,
    duplicate_rule,
)
from service.usecases.enrollment import require_true_date, sealed_subject
from service.usecases.erase import remove_expired
from service.usecases.index_sync import IndexSync
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    bind_model,
    lock_collection,
    require_collection,
)

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

SAME_EMBEDDING = 0.9999
"""Cosine from which a ready embedding is the one that is stored: an earlier run enrolled it.

Two photographs of one person come nowhere near; numbers written with four digits do.
"""


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """`on_duplicate`, `profile`: of the duplicate check (`duplicate_rule`); None for the collection's own."""

    collection: str
    caller: Caller
    on_duplicate: DuplicatePolicy | None = None
    profile: str | None = None


class EnrollBatch:
    """Under the lock of the collection, as one enrollment is: whoever enrolls at the same time
    sees either nobody of the batch or everybody.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        index_sync: IndexSync | None = None,
    ) -> None:
        """`index_sync`: holds in memory who is enrolled; None: every duplicate check scans the database."""
        self._storage = storage
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._clock = clock
        self._audit = audit
        self._index_sync = index_sync

    def require_possible(self, request: BulkRequest) -> None:
        """Raises `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`: what holds for every row."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            self._rule(collection, request)
            if tx.templates.any(collection):
                collection.require_model(self._model_id)

    def _rule(self, collection: Collection, request: BulkRequest) -> DuplicateRule:
        """What to do about candidates, and from which cosine on. Raises `ProfileNotFound`."""
        settings = collection.settings
        calibration = self._calibration.with_thresholds(settings.thresholds)
        asked = request.on_duplicate, request.profile
        return duplicate_rule(settings, calibration, request.caller, *asked)

    def get_ready(self, request: BulkRequest, items: Sequence[BulkCandidate | BulkOutcome]) -> None:
        """What can be done about these before others are kept waiting: read who is enrolled, which
        takes seconds the first time. Raises what transactions raise.
        """
        if self._index_sync is not None and not _nothing_to_do(items):
            self._index_sync.sync_collection(request.collection)

    def __call__(
        self, request: BulkRequest, items: Sequence[BulkCandidate | BulkOutcome]
    ) -> list[BulkOutcome]:
        """What became of each, in order; no two candidates with the same subject id. Outcomes
        stay what they are, and the refused among them are written down like the others.

        Raises `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`, `TemplateTampered`,
        `ClocksDisagree`, and what transactions raise.
        """
        if _nothing_to_do(items):
            return [item for item in items if isinstance(item, BulkOutcome)]
        with self._storage.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault).of_model(self._model_id)
            now = self._clock()
            candidates = [item for item in items if isinstance(item, BulkCandidate)]
            changes = {one.row.subject_id: uuid4() for one in candidates}
            became = self._enroll(tx, unlocked, request, candidates, changes, now)
            outcomes = [
                item if isinstance(item, BulkOutcome) else became[item.row.subject_id]
                for item in items
            ]
            self._record(tx, unlocked, request, outcomes, changes, now)
        return outcomes

    def _enroll(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: BulkRequest,
        candidates: Sequence[BulkCandidate],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> dict[str, BulkOutcome]:
        """By subject id, as `changes`: the audit record of each enrollment."""
        if not candidates:
            return {}
        bind_model(tx, unlocked.collection, self._model_id)
        became = _known(tx, unlocked, candidates)
        new = [one for one in candidates if one.row.subject_id not in became]
        require_true_date(tx, unlocked.collection, now)
        ids = [one.row.subject_id for one in new]
        remove_expired(tx, unlocked, self._audit, now, len(new), among=ids)
        checked = self._checked(tx, unlocked, request, new)
        admitted = [one for one, outcome in zip(new, checked, strict=True) if outcome.error is None]
        self._store(tx, unlocked, admitted, changes, now)
        by_id = zip((one.row.subject_id for one in new), checked, strict=True)
        return became | dict(by_id)

    def _checked(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: BulkRequest,
        new: Sequence[BulkCandidate],
    ) -> list[BulkOutcome]:
        """Who may be enrolled, as if each came after those before."""
        rule = self._rule(unlocked.collection, request)
        faces = [(one.row.subject_id, one.template.embedding) for one in new]
        index = None if self._index_sync is None else self._index_sync.index
        checked = check_duplicates_of_many(tx, unlocked, rule, faces, index)
        return [_outcome(*each) for each in zip(new, checked, strict=True)]

    def _store(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        admitted: Sequence[BulkCandidate],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        faces = [(one.row.subject_id, one.template) for one in admitted]
        templates = unlocked.seal_all(faces, self._model_id, now)
        subjects = [
            sealed_subject(
                unlocked, one.row, now, template.template_id, changes[one.row.subject_id]
            )
            for one, template in zip(admitted, templates, strict=True)
        ]
        tx.subjects.add_all(unlocked.collection, subjects)
        tx.templates.add_all(unlocked.collection, templates)

    def _record(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: BulkRequest,
        outcomes: Sequence[BulkOutcome],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        """A record for each person enrolled and for each refused who can be named, as for single
        enrollments.
        """
        for one in outcomes:
            if one.subject_id is None or one.result is Result.ALREADY:
                continue
            self._audit.record(
                tx,
                Action.ENROLL,
                request.caller.name,
                unlocked.collection,
                one.subject_id,
                outcome=one.error.code if one.error else Outcome.DONE,
                audit_id=None if one.error else changes[one.subject_id],
                at=now,
            )


def _nothing_to_do(items: Sequence[BulkCandidate | BulkOutcome]) -> bool:
    """Where an earlier run has done it all."""
    return all(isinstance(item, BulkOutcome) and item.result is Result.ALREADY for item in items)


def _known(
    tx: Transaction, unlocked: UnlockedCollection, candidates: Sequence[BulkCandidate]
) -> dict[str, BulkOutcome]:
    """What becomes of those who are enrolled: done by an earlier run, or somebody else's name."""
    by_id = {one.row.subject_id: one for one in candidates}
    existing = tx.subjects.existing(unlocked.collection, list(by_id))
    same = {
        stored.subject_id
        for stored in tx.templates.of_all(unlocked.collection, sorted(existing))
        if unlocked.similarity(by_id[stored.subject_id].template.embedding, stored)
        >= SAME_EMBEDDING
    }
    return {
        one: BulkOutcome(by_id[one].row.place, one, Result.ALREADY)
        if one in same
        else refused(by_id[one].row, SubjectExists())
        for one in existing
    }


def _outcome(candidate: BulkCandidate, checked: DuplicateCheck) -> BulkOutcome:
    place, subject_id, warnings = candidate.row.place, candidate.row.subject_id, checked.warnings
    if checked.refusal is not None:
        return BulkOutcome(place, subject_id, Result.REFUSED, checked.refusal, warnings=warnings)
    result = Result.FLAGGED if checked.candidates else Result.ENROLLED
    return BulkOutcome(place, subject_id, result, candidates=checked.candidates, warnings=warnings)
