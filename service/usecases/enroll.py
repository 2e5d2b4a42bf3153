"""Sign a person up, unless they are signed up already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.collection import Collection, DuplicatePolicy, StoredTemplate, Subject
from service.domain.duplicate_check import duplicate_rule
from service.domain.errors import (
    DuplicateSubject,
    Lookalike,
    SubjectExists,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.face import Embedding
from service.domain.ports import Gallery, Transaction, Vault
from service.domain.search import SearchIndex
from service.domain.thresholds import BALANCED, Calibration
from service.usecases.enrollment import Enrolled, EnrollRequest, Mode
from service.usecases.idempotency import earlier_answer, keep_answer
from service.usecases.lockout import Lockout
from service.usecases.people import OpenCollection, bind_model, lock_collection, require_collection
from service.usecases.purge import remove_expired
from service.usecases.recording import Attempt
from service.usecases.sampling import Probe, Sampler
from service.usecases.searching import lookalikes, shortlist
from service.usecases.terms import require_future, require_true_date, sealed_subject
from service.usecases.verify import best_similarity

DUPLICATES_SHOWN = 10


_ACTIONS = {Mode.CREATE: Action.ENROLL, Mode.ADD: Action.ADD, Mode.REPLACE: Action.REPLACE}


def enrollment_attempt(request: EnrollRequest) -> Attempt:
    return Attempt(
        request.caller.name, _ACTIONS[request.mode], request.collection, request.subject_id
    )


class Enroll:
    """Inference first; then duplicate check and insert as one transaction under a lock of the
    collection, so that of many simultaneous enrollments of one face exactly one succeeds.
    """

    def __init__(
        self,
        sampler: Sampler,
        gallery: Gallery,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        clock: Callable[[], datetime],
        lockout: Lockout,
        index: SearchIndex | None = None,
    ) -> None:
        self._sampler = sampler
        self._gallery = gallery
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._clock = clock
        self._lockout = lockout
        self._index = index

    def __call__(self, request: EnrollRequest) -> Enrolled:
        """Raises `NotAllowed`, `CollectionNotFound`, `ProfileNotFound`, `SubjectExists`, `SubjectNotFound`,
        `SubjectMismatch`, `DuplicateSubject`, `ModelMismatch`, `IdempotencyConflict`,
        `InvalidRequest`, `TemplateTampered`, `SubjectLocked`, `ClocksDisagree`, and what `Sampler.probe` raises.
        """
        request.caller.require_source(request.source)
        if request.idempotency_key and (earlier := self._first_answer(request)):
            return earlier
        require_future(request.expires_at, self._clock())
        probe = self._sampler.probe(request.source)
        with self._gallery.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            people = OpenCollection.unlock(collection, self._vault)
            if earlier := earlier_answer(tx, people, request):
                return earlier
            duplicates = self._admit(tx, people, request, probe.embedding)
            if duplicates is not None:
                enrolled = self._store(tx, people, request, probe, duplicates)
                keep_answer(tx, people, request, enrolled)
                return enrolled
        raise SubjectMismatch  # not inside: that the face was refused must stay counted

    def _first_answer(self, request: EnrollRequest) -> Enrolled | None:
        """A retry is answered before a camera is opened for it a second time."""
        with self._gallery.transaction() as tx:
            collection = require_collection(tx, request.collection)
            return earlier_answer(tx, OpenCollection.unlock(collection, self._vault), request)

    def _admit(
        self, tx: Transaction, people: OpenCollection, request: EnrollRequest, probe: Embedding
    ) -> list[Lookalike] | None:
        """May this person be enrolled? Answers with the duplicates to flag; None for a stranger."""
        calibration = self._calibration.with_thresholds(people.collection.settings.thresholds)
        bind_model(tx, people.collection, self._model_id)
        if not self._may_change(tx, people, request, probe, calibration):
            return None
        settings, asked = people.collection.settings, (request.on_duplicate, request.profile)
        rule = duplicate_rule(settings, calibration, request.caller, *asked)
        if rule.policy is DuplicatePolicy.ALLOW:
            return []
        at_least, name = rule.profile.threshold, request.subject_id
        among = shortlist(tx, people, probe, at_least, self._index)
        found = lookalikes(tx, people, probe, at_least, DUPLICATES_SHOWN, among, other_than=name)
        if found and rule.policy is DuplicatePolicy.REJECT:
            raise DuplicateSubject(found)
        return found

    def _may_change(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: EnrollRequest,
        probe: Embedding,
        calibration: Calibration,
    ) -> bool:
        """Whether the subject is new, or is the one that is enrolled."""
        exists = tx.subjects.find(people.collection, request.subject_id) is not None
        if request.mode is Mode.CREATE:
            if exists:
                raise SubjectExists
            require_true_date(tx, people.collection, self._clock())
            remove_expired(tx, people, self._clock(), among=[request.subject_id])
            return True
        if not exists:
            raise SubjectNotFound
        whose = people.collection, request.subject_id
        comparison = self._lockout.comparison(tx, *whose, request.caller.name)
        similarity = best_similarity(people, comparison.templates, self._model_id, probe)
        if similarity < calibration.profile(BALANCED).threshold:
            comparison.refused()
            return False
        comparison.passed()
        return True

    def _store(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: EnrollRequest,
        probe: Probe,
        duplicates: Sequence[Lookalike],
    ) -> Enrolled:
        now, collection, change = self._clock(), people.collection, uuid4()
        template = people.seal(request.subject_id, self._model_id, probe.embedding, now)
        subject = sealed_subject(people, request, now, template.template_id, change)
        if request.mode is Mode.CREATE:
            tx.subjects.add(collection, subject)
        else:
            self._change(tx, collection, request.mode, subject)
        tx.templates.add(collection, template)
        self._write_down(tx, people, request, now, change)
        return self._enrolled(request, probe, template, duplicates)

    def _change(self, tx: Transaction, collection: Collection, mode: Mode, given: Subject) -> None:
        """What is not given stays as it was."""
        before = tx.subjects.find(collection, given.subject_id)
        if before is None:
            raise SubjectNotFound
        kept = () if mode is Mode.REPLACE else before.template_ids
        if mode is Mode.REPLACE:
            tx.templates.delete_of(collection, given.subject_id)
        after = replace(
            before,
            metadata=given.metadata or before.metadata,
            consent=given.consent or before.consent,
            expires_at=given.expires_at or before.expires_at,
            template_ids=(*kept, *given.template_ids),
            change=given.change,
        )
        tx.subjects.update(collection, after)

    def _write_down(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: EnrollRequest,
        now: datetime,
        change: UUID,
    ) -> None:
        pseudonym = people.names.pseudonym(request.subject_id)
        action = _ACTIONS[request.mode]
        tx.audit.append(
            AuditEntry(change, now, request.caller.name, action, request.collection, pseudonym)
        )

    def _enrolled(
        self,
        request: EnrollRequest,
        probe: Probe,
        template: StoredTemplate,
        duplicates: Sequence[Lookalike],
    ) -> Enrolled:
        return Enrolled(
            subject_id=request.subject_id,
            collection=request.collection,
            template_id=template.template_id,
            model_id=template.model_id,
            images_used=probe.images_used,
            samples=probe.samples,
            duplicates=duplicates,
            enrolled_at=template.created_at,
        )
