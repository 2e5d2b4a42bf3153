"""Whoever is recognized beyond doubt is stored under the next model as well.

One wrong "yes" must not become somebody's template for good. So a person is moved by a stricter comparison
than the one that lets them in, and by nothing but the photographs that it was about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from service.domain.audit import Action
from service.domain.collection import StoredTemplate, Subject
from service.domain.decision import Decision
from service.domain.expiry import is_expired
from service.domain.served_models import CollectionModels
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.sampler import Probe
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Recognized:
    """Who matched. `templates`: all that they had when they were compared. `caller`: whose call it was."""

    subject_id: str
    templates: Sequence[StoredTemplate]
    decision: Decision
    caller: str

    def is_beyond_doubt(self, models: CollectionModels) -> bool:
        """At the threshold that was asked for, and at the present model's conservative one, its own or the
        collection's, whichever is higher.
        """
        return self.decision.match and self.decision.similarity >= models.beyond_doubt


class MovePerson:
    def __init__(self, audit: AuditRecorder, clock: Callable[[], datetime]) -> None:
        self._audit = audit
        self._clock = clock

    def __call__(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        models: CollectionModels,
        who: Recognized,
        probe: Probe,
    ) -> None:
        """From now on the person has a template of the next model, of the probe's photographs.

        Not where people are not moved, the person was moved already, the next model saw too little of the
        face, or the comparison leaves a doubt. Nor where somebody was faster, so that the person is gone
        or has other templates than those that were looked at.
        """
        following, collection, now = models.next, unlocked.collection, self._clock()
        if following is None or following.model_id not in probe.templates:
            return
        if any(row.model_id == following.model_id for row in who.templates):
            return
        if not who.is_beyond_doubt(models):
            return
        subject = tx.subjects.find_locked(collection, who.subject_id)
        if subject is None or is_expired(subject, collection.settings, now):
            return
        if {*subject.template_ids} != {row.template_id for row in who.templates}:
            return
        template = probe.of(following.model_id)
        stored = unlocked.seal(who.subject_id, following.model_id, template, now)
        self._store(tx, unlocked, subject, stored, who.caller)

    def _store(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        subject: Subject,
        stored: StoredTemplate,
        caller: str,
    ) -> None:
        change, collection = uuid4(), unlocked.collection
        template_ids = (*subject.template_ids, stored.template_id)
        tx.subjects.bind(collection, replace(subject, template_ids=template_ids, change=change))
        tx.templates.add(collection, stored)
        whose = collection, subject.subject_id
        self._audit.record(tx, Action.MOVE, caller, *whose, audit_id=change, at=stored.created_at)
