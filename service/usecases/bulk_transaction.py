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
from service.domain.collection import Collection, DuplicatePolicy, StoredTemplate, Subject
from service.domain.errors import LivenessRequired, Overloaded, SubjectExists
from service.domain.liveness_session import Purpose
from service.domain.served_models import CollectionModels, ServedModel, ServedModels
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.duplicate_check import (
    DuplicateCheck,
    DuplicateRule,
    check_duplicates_of_many,
    duplicate_rule,
)
from service.usecases.enrollment import require_true_date, sealed_subject
from service.usecases.erase import remove_expired
from service.usecases.flagged_duplicates import flag_duplicates
from service.usecases.index_sync import IndexSync
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    bind_model,
    lock_collection,
    models_of,
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
        models: ServedModels,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        index_sync: IndexSync | None = None,
    ) -> None:
        """`index_sync`: holds in memory who is enrolled; None: every duplicate check scans the database."""
        self._storage = storage
        self._vault = vault
        self._models = models
        self._clock = clock
        self._audit = audit
        self._index_sync = index_sync

    def require_possible(self, request: BulkRequest) -> None:
        """Raises `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`, `LivenessRequired`: what holds
        for every row.
        """
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            _require_open(collection)
            for model in models_of(tx, collection, self._models).all:
                _rule(collection, model, request)

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
        `ClocksDisagree`, `LivenessRequired`, and what transactions raise.
        """
        if _nothing_to_do(items):
            return [item for item in items if isinstance(item, BulkOutcome)]
        with self._storage.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
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
        _require_open(unlocked.collection)
        models = bind_model(tx, unlocked.collection, self._models)
        _require_present(candidates, models)
        became = _known(tx, unlocked, candidates)
        new = [one for one in candidates if one.row.subject_id not in became]
        require_true_date(tx, unlocked.collection, now)
        ids = [one.row.subject_id for one in new]
        remove_expired(tx, unlocked, self._audit, now, len(new), among=ids)
        checked = self._checked(tx, unlocked, models, request, new)
        admitted = [one for one, outcome in zip(new, checked, strict=True) if outcome.error is None]
        enrolled = self._store(tx, unlocked, models, admitted, changes, now)
        by_id = dict(zip((one.row.subject_id for one in new), checked, strict=True))
        flagged = [(one, by_id[one.subject_id].candidates) for one in enrolled]
        flag_duplicates(tx, unlocked.collection, flagged, now)
        return became | by_id

    def _checked(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        request: BulkRequest,
        new: Sequence[BulkCandidate],
    ) -> list[BulkOutcome]:
        """Who may be enrolled, as if each came after those before: by the present model, and of those the
        ones who may by the next as well.
        """
        index = None if self._index_sync is None else self._index_sync.index
        checked: dict[str, DuplicateCheck] = {}
        for model in models.all:
            rule = _rule(unlocked.collection, model, request)
            faces = [
                (one.row.subject_id, one.templates[model.model_id].embedding)
                for one in new
                if model.model_id in one.templates
                and (model is models.present or checked[one.row.subject_id].refusal is None)
            ]
            people = unlocked.of_model(model.model_id)
            found = check_duplicates_of_many(tx, people, rule, faces, index)
            for (whose, _), each in zip(faces, found, strict=True):
                checked[whose] = checked[whose].joined_by(each) if whose in checked else each
        return [_outcome(one, checked[one.row.subject_id]) for one in new]

    def _store(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        admitted: Sequence[BulkCandidate],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> list[Subject]:
        templates: list[StoredTemplate] = []
        for model in models.all:
            faces = [
                (one.row.subject_id, one.templates[model.model_id])
                for one in admitted
                if model.model_id in one.templates
            ]
            templates += unlocked.seal_all(faces, model.model_id, now)
        theirs: dict[str, list[UUID]] = {one.row.subject_id: [] for one in admitted}
        for template in templates:
            theirs[template.subject_id].append(template.template_id)
        subjects = [
            sealed_subject(
                unlocked, one.row, now, theirs[one.row.subject_id], changes[one.row.subject_id]
            )
            for one in admitted
        ]
        tx.subjects.add_all(unlocked.collection, subjects)
        tx.templates.add_all(unlocked.collection, templates)
        return subjects

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


def _rule(collection: Collection, model: ServedModel, request: BulkRequest) -> DuplicateRule:
    """What to do about candidates, and from which cosine on. Raises `ProfileNotFound`."""
    asked = request.on_duplicate, request.profile
    return duplicate_rule(collection.settings, model.calibration, request.caller, *asked)


def _require_open(collection: Collection) -> None:
    """No row has a liveness session. Raises `LivenessRequired`."""
    if collection.settings.requires_liveness(Purpose.ENROLL):
        raise LivenessRequired


def _require_present(candidates: Sequence[BulkCandidate], models: CollectionModels) -> None:
    """Raises `Overloaded` where the collection came to another model since the rows were embedded."""
    if any(models.present.model_id not in one.templates for one in candidates):
        raise Overloaded


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
        if (template := by_id[stored.subject_id].templates.get(stored.model_id)) is not None
        and unlocked.similarity(template.embedding, stored) >= SAME_EMBEDDING
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
