"""Sign a person up, unless they are signed up already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID, uuid4

from service.domain.audit import Action
from service.domain.collection import Collection, StoredTemplate, Subject
from service.domain.errors import (
    LivenessFailed,
    LivenessUsed,
    SubjectExists,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.expiry import is_expired
from service.domain.liveness_session import Purpose
from service.domain.lockout import Comparison
from service.domain.search import SearchIndex
from service.domain.served_models import CollectionModels, ServedModels
from service.domain.template import PlainTemplate
from service.domain.thresholds import BALANCED
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
from service.usecases.flagged_duplicates import different_from, flag_duplicates
from service.usecases.idempotency import earlier_response, keep_response
from service.usecases.liveness_proof import LivenessProof, is_not_live
from service.usecases.liveness_session import LivenessRequest
from service.usecases.lockouts import Lockout
from service.usecases.move_person import Recognized
from service.usecases.sampler import Probe, Samplers
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    bind_model,
    lock_collection,
    require_collection,
)
from service.usecases.verify import compare

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

Templates: TypeAlias = Mapping[str, PlainTemplate]
"""By model, the present one first."""

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
        samplers: Samplers,
        storage: Storage,
        vault: Vault,
        models: ServedModels,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        lockout: Lockout,
        liveness: LivenessProof,
        index: SearchIndex | None = None,
    ) -> None:
        self._samplers = samplers
        self._storage = storage
        self._vault = vault
        self._models = models
        self._clock = clock
        self._audit = audit
        self._lockout = lockout
        self._liveness = liveness
        self._index = index

    def __call__(self, request: EnrollRequest) -> Enrolled:
        """Raises `NotAllowed`, `CollectionNotFound`, `ProfileNotFound`, `SubjectExists`, `SubjectNotFound`,
        `SubjectMismatch`, `DuplicateSubject`, `ModelMismatch`, `IdempotencyConflict`,
        `InvalidRequest`, `TemplateTampered`, `SubjectLocked`, `ClocksDisagree`, `LivenessRequired`,
        `LivenessFailed` where nobody living was seen, and what `Samplers.probe` and `LivenessProof.settle` raise.
        """
        request.caller.require_access(request.collection, request.source)
        if (key := request.idempotency_key) and (earlier := self._first_answer(request, key)):
            return earlier
        require_future(request.expires_at, self._clock())
        try:
            probe = self._samplers.probe(request.source, _session_needed(request), request.faces)
        except LivenessUsed:  # by the call that this one is a retry of, a moment ago
            if key and (earlier := self._first_answer(request, key)):
                return earlier
            raise
        with self._storage.transaction(request.collection) as tx:
            outcome = self._enroll(tx, request, probe)
        if isinstance(outcome, Enrolled):
            return outcome
        raise outcome  # not inside: that the face was refused must stay counted

    def _enroll(
        self, tx: Transaction, request: EnrollRequest, probe: Probe
    ) -> Enrolled | SubjectMismatch | LivenessFailed:
        """Or a refusal that is kept."""
        collection, key = lock_collection(tx, request.collection), request.idempotency_key
        unlocked = UnlockedCollection.unlock(collection, self._vault)
        if key and (earlier := earlier_response(tx, unlocked, request, key)):
            return earlier
        collection.settings.require_proven(request.source, Purpose.ENROLL)
        liveness = self._liveness.settle(tx, unlocked, probe.session)
        if is_not_live(liveness):
            return LivenessFailed(liveness)
        models = bind_model(tx, collection, self._models)
        templates = self._templates(tx, unlocked, models, request, probe)
        if templates is None:
            return SubjectMismatch()
        duplicates = self._duplicates(tx, unlocked, models, request, probe, templates)
        stored = self._store(tx, unlocked, request, probe, templates, duplicates)
        enrolled = replace(stored, liveness=liveness)
        if key:
            keep_response(tx, unlocked, request, key, enrolled)
        return enrolled

    def _first_answer(self, request: EnrollRequest, key: str) -> Enrolled | None:
        """A retry is answered before a camera is opened for it a second time."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            return earlier_response(tx, unlocked, request, key)

    def _templates(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        request: EnrollRequest,
        probe: Probe,
    ) -> Templates | None:
        """What the person is to have: of the photographs alone, or with those from before. None for a
        stranger.
        """
        now, collection, subject_id = self._clock(), unlocked.collection, request.subject_id
        found = tx.subjects.find_or_expired(collection, subject_id)
        exists = found is not None and not is_expired(found, collection.settings, now)
        if request.mode is Mode.CREATE:
            if exists:
                raise SubjectExists
            require_true_date(tx, collection, now)
            if found is not None:
                remove_expired(tx, unlocked, self._audit, now, among=[subject_id])
            return _of(probe, models)
        if not exists:
            raise SubjectNotFound
        who = self._verified(tx, unlocked, models, request, probe)
        if who is None or request.mode is Mode.REPLACE:
            return None if who is None else _of(probe, models)
        return _added(unlocked, models, who, probe)

    def _verified(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        request: EnrollRequest,
        probe: Probe,
    ) -> Recognized | None:
        """The enrolled person, where it is they whom the photographs show."""
        subject = tx.failed_comparisons.subject_for_comparison(
            request.collection, request.subject_id, counted=self._lockout.counted
        )
        lockout = self._lockout
        who = request.caller.name
        comparison = Comparison(subject.refusals, who, lockout.clock(), lockout.rules)
        comparison.require_open()
        deciding = models.deciding((row.model_id for row in subject.templates), probe.templates)
        profile = deciding.calibration.profile(BALANCED)
        decision = compare(unlocked, subject.templates, probe, deciding, profile)
        recognized = Recognized(request.subject_id, subject.templates, decision, who)
        match = decision.match and self._liveness.shows(unlocked, probe.session, recognized)
        lockout.settle(tx, subject, request.subject_id, comparison, match=match)
        return recognized if match else None

    def _duplicates(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        request: EnrollRequest,
        probe: Probe,
        templates: Templates,
    ) -> DuplicateCheck:
        """With those to flag: who looks like the photographs, or like what they make of a template, by any of
        the models. Raises `ProfileNotFound`, `DuplicateSubject`.
        """
        settings, asked = unlocked.collection.settings, (request.on_duplicate, request.profile)
        others = frozenset[str]()
        if request.mode is not Mode.CREATE:  # about somebody new nothing is decided
            others = different_from(tx, unlocked.collection, request.subject_id)
        checks: list[DuplicateCheck] = []
        for model, of_photographs in probe.by(models):
            template = templates.get(model.model_id, of_photographs)
            probes = [of_photographs.embedding]
            if template is not of_photographs:
                probes.append(template.embedding)
            rule = duplicate_rule(settings, model.calibration, request.caller, *asked)
            people = unlocked.of_model(model.model_id)
            whose = rule, request.subject_id, others
            checks.append(check_duplicates(tx, people, *whose, probes, self._index))
        return reduce(DuplicateCheck.joined_by, checks)

    def _store(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        request: EnrollRequest,
        probe: Probe,
        templates: Templates,
        duplicates: DuplicateCheck,
    ) -> Enrolled:
        now, collection, change = self._clock(), unlocked.collection, uuid4()
        stored = [
            unlocked.seal(request.subject_id, model_id, template, now)
            for model_id, template in templates.items()
        ]
        subject = sealed_subject(
            unlocked, request, now, [each.template_id for each in stored], change
        )
        if request.mode is Mode.CREATE:
            tx.subjects.add(collection, subject)
        else:
            subject = self._change(tx, collection, request.mode, subject, templates)
        tx.templates.add_all(collection, stored)
        flag_duplicates(tx, collection, [(subject, duplicates.candidates)], now)
        self._record(tx, unlocked, request, now, change)
        return self._enrolled(request, probe, stored[0], duplicates)

    def _change(
        self,
        tx: Transaction,
        collection: Collection,
        mode: Mode,
        given: Subject,
        templates: Templates,
    ) -> Subject:
        """What is not given stays as it was; the templates of the same models go, for the new ones. The
        row is locked: a verification may be moving the person to another model.
        """
        before = tx.subjects.find_locked(collection, given.subject_id)
        if before is None:
            raise SubjectNotFound
        models = (None,) if mode is Mode.REPLACE else tuple(templates)
        gone = {
            one
            for model_id in models
            for one in tx.templates.delete_of(collection, given.subject_id, model_id)
        }
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
        return after

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
        return Enrolled(
            subject_id=request.subject_id,
            collection=request.collection,
            template_id=template.template_id,
            model_id=template.model_id,
            images_used=probe.images_used,
            samples=probe.samples,
            duplicates=duplicates.candidates,
            duplicate_threshold=duplicates.threshold,
            warnings=duplicates.warnings,
            expected_false_candidates=duplicates.expected_false_candidates,
            enrolled_at=template.created_at,
        )


def _session_needed(request: EnrollRequest) -> LivenessRequest:
    """What a session must have been begun for."""
    return LivenessRequest(Purpose.ENROLL, request.collection, request.caller, request.subject_id)


def _of(probe: Probe, models: CollectionModels) -> Templates:
    return {model.model_id: template for model, template in probe.by(models)}


def _added(
    unlocked: UnlockedCollection, models: CollectionModels, who: Recognized, probe: Probe
) -> Templates:
    """What was there joined by the photographs. Of the next model, where there is nothing yet, the
    photographs alone: once they are beyond doubt.
    """
    there = {row.model_id for row in who.templates}
    joined: dict[str, PlainTemplate] = {}
    for model_id, more in _of(probe, models).items():
        if model_id in there:
            joined[model_id] = unlocked.template_of(who.templates, model_id).joined_by(more)
        elif who.is_beyond_doubt(models):
            joined[model_id] = more
    return joined
