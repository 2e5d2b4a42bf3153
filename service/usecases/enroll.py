"""Sign a person up, unless they are signed up already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service.domain.audit import Action
from service.domain.collection import Collection, StoredTemplate, Subject
from service.domain.errors import (
    SubjectExists,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.expiry import is_expired
from service.domain.lockout import Comparison
from service.domain.search import SearchIndex
from service.domain.template import PlainTemplate, cosine_similarity
from service.domain.thresholds import BALANCED, Calibration
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.duplicate_check import DuplicateCheck, check_duplicates, duplicate_rule
from service.usecases.enrollment import (
    Enrolled,
    EnrollRequest,
    Mode,
    require_future,
    require_true_date,
    sealed_subject,
)
from service.usecases.erase import remove_expired
from service.usecases.idempotency import earlier_response, keep_response
from service.usecases.lockouts import Lockout
from service.usecases.sampler import Probe, Sampler
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

_ACTIONS = {Mode.CREATE: Action.ENROLL, Mode.ADD: Action.ADD, Mode.REPLACE: Action.REPLACE}


def audited_enrollment(request: EnrollRequest) -> AuditedCall:
    return AuditedCall(
        request.caller.name, _ACTIONS[request.mode], request.collection, request.subject_id
    )


class Enroll:
    """Inference first; then duplicate check and insert as one transaction under a lock of the
    collection, so that of many simultaneous enrollments of one face exactly one succeeds.
    """

    def __init__(
        self,
        sampler: Sampler,
        storage: Storage,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        lockout: Lockout,
        index: SearchIndex | None = None,
    ) -> None:
        self._sampler = sampler
        self._storage = storage
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._clock = clock
        self._audit = audit
        self._lockout = lockout
        self._index = index

    def __call__(self, request: EnrollRequest) -> Enrolled:
        """Raises `NotAllowed`, `CollectionNotFound`, `ProfileNotFound`, `SubjectExists`, `SubjectNotFound`,
        `SubjectMismatch`, `DuplicateSubject`, `ModelMismatch`, `IdempotencyConflict`,
        `InvalidRequest`, `TemplateTampered`, `SubjectLocked`, `ClocksDisagree`, and what `Sampler.probe` raises.
        """
        request.caller.require_access(request.collection, request.source)
        if (key := request.idempotency_key) and (earlier := self._first_answer(request, key)):
            return earlier
        require_future(request.expires_at, self._clock())
        probe = self._sampler.probe(request.source)
        with self._storage.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault).of_model(self._model_id)
            if key and (earlier := earlier_response(tx, unlocked, request, key)):
                return earlier
            template = self._template(tx, unlocked, request, probe)
            if template is not None:
                duplicates = self._duplicates(tx, unlocked, request, probe, template)
                enrolled = self._store(tx, unlocked, request, probe, template, duplicates)
                if key:
                    keep_response(tx, unlocked, request, key, enrolled)
                return enrolled
        raise SubjectMismatch  # not inside: that the face was refused must stay counted

    def _first_answer(self, request: EnrollRequest, key: str) -> Enrolled | None:
        """A retry is answered before a camera is opened for it a second time."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            return earlier_response(tx, unlocked, request, key)

    def _template(
        self, tx: Transaction, unlocked: UnlockedCollection, request: EnrollRequest, probe: Probe
    ) -> PlainTemplate | None:
        """What the person is to have: of the photographs alone, or with those from before. None for a
        stranger.
        """
        now, collection, subject_id = self._clock(), unlocked.collection, request.subject_id
        bind_model(tx, collection, self._model_id)
        found = tx.subjects.find_or_expired(collection, subject_id)
        exists = found is not None and not is_expired(found, collection.settings, now)
        if request.mode is Mode.CREATE:
            if exists:
                raise SubjectExists
            require_true_date(tx, collection, now)
            if found is not None:
                remove_expired(tx, unlocked, self._audit, now, among=[subject_id])
            return probe.template
        if not exists:
            raise SubjectNotFound
        before = self._verified(tx, unlocked, request, probe)
        if before is None:
            return None
        return probe.template if request.mode is Mode.REPLACE else before.joined_by(probe.template)

    def _verified(
        self, tx: Transaction, unlocked: UnlockedCollection, request: EnrollRequest, probe: Probe
    ) -> PlainTemplate | None:
        """The enrolled person's template, where it is they whom the photographs show."""
        subject = tx.failed_comparisons.subject_for_comparison(
            request.collection, request.subject_id, counted=self._lockout.counted
        )
        lockout = self._lockout
        who = request.caller.name
        comparison = Comparison(subject.refusals, who, lockout.clock(), lockout.rules)
        comparison.require_open()
        template = unlocked.template_of(subject.templates, self._model_id)
        similarity = cosine_similarity(probe.embedding, template.embedding)
        match = similarity >= self._calibration_of(unlocked).profile(BALANCED).threshold
        lockout.settle(tx, subject, request.subject_id, comparison, match=match)
        return template if match else None

    def _calibration_of(self, unlocked: UnlockedCollection) -> Calibration:
        return self._calibration.with_thresholds(unlocked.collection.settings.thresholds)

    def _duplicates(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: EnrollRequest,
        probe: Probe,
        template: PlainTemplate,
    ) -> DuplicateCheck:
        """With those to flag: who looks like the photographs, or like what they make of the template. Raises
        `ProfileNotFound`, `DuplicateSubject`.
        """
        settings, asked = unlocked.collection.settings, (request.on_duplicate, request.profile)
        rule = duplicate_rule(settings, self._calibration_of(unlocked), request.caller, *asked)
        probes = [probe.embedding]
        if template is not probe.template:
            probes.append(template.embedding)
        return check_duplicates(tx, unlocked, rule, request.subject_id, probes, self._index)

    def _store(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: EnrollRequest,
        probe: Probe,
        template: PlainTemplate,
        duplicates: DuplicateCheck,
    ) -> Enrolled:
        now, collection, change = self._clock(), unlocked.collection, uuid4()
        stored = unlocked.seal(request.subject_id, self._model_id, template, now)
        subject = sealed_subject(unlocked, request, now, stored.template_id, change)
        if request.mode is Mode.CREATE:
            tx.subjects.add(collection, subject)
        else:
            self._change(tx, collection, request.mode, subject)
        tx.templates.add(collection, stored)
        self._record(tx, unlocked, request, now, change)
        return self._enrolled(request, probe, stored, duplicates)

    def _change(self, tx: Transaction, collection: Collection, mode: Mode, given: Subject) -> None:
        """What is not given stays as it was; the template of this model goes, for the new one."""
        before = tx.subjects.find(collection, given.subject_id)
        if before is None:
            raise SubjectNotFound
        model_id = None if mode is Mode.REPLACE else self._model_id
        gone = tx.templates.delete_of(collection, given.subject_id, model_id)
        kept = (one for one in before.template_ids if one not in gone)
        after = replace(
            before,
            metadata=given.metadata or before.metadata,
            consent=given.consent or before.consent,
            expires_at=given.expires_at or before.expires_at,
            template_ids=(*kept, *given.template_ids),
            change=given.change,
        )
        tx.subjects.update(collection, after)

    def _record(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: EnrollRequest,
        now: datetime,
        change: UUID,
    ) -> None:
        action, caller = _ACTIONS[request.mode], request.caller.name
        whose = unlocked.collection, request.subject_id
        self._audit.record(tx, action, caller, *whose, audit_id=change, at=now)

    def _enrolled(
        self,
        request: EnrollRequest,
        probe: Probe,
        template: StoredTemplate,
        duplicates: DuplicateCheck,
    ) -> Enrolled:
        search = duplicates.search
        return Enrolled(
            subject_id=request.subject_id,
            collection=request.collection,
            template_id=template.template_id,
            model_id=template.model_id,
            images_used=probe.images_used,
            samples=probe.samples,
            duplicates=duplicates.candidates,
            duplicate_threshold=None if search is None else search.threshold,
            warnings=duplicates.warnings,
            expected_false_candidates=None if search is None else search.expected_false_candidates,
            enrolled_at=template.created_at,
        )
