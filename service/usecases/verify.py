"""Is this the person they say they are?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.active_liveness import Judgment
from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.collection import Collection, StoredTemplate
from service.domain.decision import Decision, decide, with_liveness
from service.domain.errors import (
    CollectionNotFound,
    DirectoryNotAllowed,
    InconsistentImages,
    NoUsableFace,
    UnacceptableImages,
)
from service.domain.face import Faces, FaceSource, Sample
from service.domain.liveness_session import Purpose
from service.domain.lockout import Comparison
from service.domain.served_models import ServedModel, ServedModels
from service.domain.template import similarity_of
from service.domain.thresholds import BALANCED, Profile
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.face_rules import FaceRules
from service.usecases.liveness_proof import LivenessProof, is_not_live
from service.usecases.liveness_session import LivenessRequest
from service.usecases.lockouts import Lockout
from service.usecases.move_person import MovePerson, Recognized
from service.usecases.sampler import Probe, Samplers
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    subject_id: str
    source: FaceSource
    collection: str
    caller: Caller
    profile: str | None = None
    faces: Faces | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """`liveness`: None where the face does not come from a session."""

    subject_id: str
    decision: Decision
    model_id: str
    samples: Sequence[Sample]
    liveness: Judgment | None = None


def audited_verification(request: VerifyRequest) -> AuditedCall:
    return AuditedCall(request.caller.name, Action.VERIFY, request.collection, request.subject_id)


class _RuleChanged(Exception):
    """The photographs were looked at by a rule that the collection no longer has."""


_OF_PHOTOGRAPHS = (NoUsableFace, InconsistentImages, UnacceptableImages, DirectoryNotAllowed)
"""What is told of a collection only once it is known to be there, and to take photographs."""


class Verify:
    """Compares a probe with one subject's template, read by key; never searches.

    The photographs are looked at before the subject is looked up, so that the time an answer
    takes does not tell who is enrolled.
    """

    def __init__(
        self,
        samplers: Samplers,
        storage: Storage,
        vault: Vault,
        models: ServedModels,
        audit: AuditRecorder,
        lockout: Lockout,
        move: MovePerson,
        liveness: LivenessProof,
    ) -> None:
        self._samplers = samplers
        self._storage = storage
        self._vault = vault
        self._models = models
        self._audit = audit
        self._lockout = lockout
        self._move = move
        self._liveness = liveness
        self._rules = FaceRules()

    def __call__(self, request: VerifyRequest) -> Verification:
        """Raises `NotAllowed`, `CollectionNotFound`, `SubjectNotFound`, `ProfileNotFound`,
        `ModelMismatch`, `TemplateTampered`, `SubjectLocked`, `LivenessRequired`, and what
        `Samplers.probe` and `LivenessProof.settle` raise.
        """
        request.caller.require_access(request.collection, request.source)
        name = request.collection
        remembered = None if request.faces else self._rules.of(name)
        if remembered is None:
            return self._verify(request, request.faces)
        try:
            return self._verify(request, remembered)
        except _RuleChanged:
            self._rules.forget(name)
        except (CollectionNotFound, *_OF_PHOTOGRAPHS):
            self._rules.forget(name)
            if self._is_rule_of(request, remembered):
                raise
        return self._verify(request, None)

    def _is_rule_of(self, request: VerifyRequest, faces: Faces) -> bool:
        """Whether faces count as remembered. Raises `CollectionNotFound`, `LivenessRequired`, `ModelMismatch`."""
        settings = self._samplers.look_at(request.collection).settings
        settings.require_proven(request.source, Purpose.VERIFY)
        return self._samplers.rule_of(settings) is faces

    def _verify(self, request: VerifyRequest, faces: Faces | None) -> Verification:
        """`faces`: which count in the photographs; None: as the collection says. Raises `_RuleChanged`, and what
        the call raises.
        """
        caller, subject_id = request.caller.name, request.subject_id
        probe = self._samplers.probe(request.source, _session_needed(request), faces)
        with self._storage.transaction(request.collection, subject_id) as tx:
            subject = tx.failed_comparisons.subject_for_comparison(
                request.collection, subject_id, counted=self._lockout.counted
            )
            collection, lockout = subject.collection, self._lockout
            rule = self._samplers.rule_of(collection.settings)
            if request.faces is None and faces not in (None, rule):
                raise _RuleChanged
            self._rules.note(collection, rule)
            collection.settings.require_proven(request.source, Purpose.VERIFY)
            models = self._models.of(collection, enrolled=bool(subject.templates))
            deciding = models.deciding((row.model_id for row in subject.templates), probe.templates)
            profile = deciding.calibration.profile(request.profile or BALANCED)
            comparison = Comparison(subject.refusals, caller, lockout.clock(), lockout.rules)
            comparison.require_open()
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            decision = compare(unlocked, subject.templates, probe, deciding, profile)
            who = Recognized(subject_id, subject.templates, decision, caller)
            liveness = self._liveness.settle(tx, unlocked, probe.session, who)
            if collection.settings.requires_liveness(Purpose.VERIFY):
                decision = with_liveness(decision, liveness)
            lockout.settle(tx, subject, subject_id, comparison, match=decision.match)
            if models.next is not None and decision.match and _may_move(collection, liveness):
                self._move(tx, unlocked, models, who, probe)
            call = audited_verification(request)
            self._audit.record_decision(tx, call, collection, match=decision.match)
        return Verification(subject_id, decision, deciding.model_id, probe.samples, liveness)


def _may_move(collection: Collection, liveness: Judgment | None) -> bool:
    """A move stores a template: where enrollments need somebody living, so does it."""
    if liveness is None:
        return not collection.settings.requires_liveness(Purpose.ENROLL)
    return not is_not_live(liveness)


def _session_needed(request: VerifyRequest) -> LivenessRequest:
    """What a session must have been begun for."""
    return LivenessRequest(Purpose.VERIFY, request.collection, request.caller, request.subject_id)


def compare(
    unlocked: UnlockedCollection,
    templates: Sequence[StoredTemplate],
    probe: Probe,
    model: ServedModel,
    profile: Profile,
) -> Decision:
    """Whether the probe shows the person of these templates, by one model.

    Raises `SubjectNotFound`, `ModelMismatch`, `TemplateTampered`, `Overloaded`.
    """
    template = unlocked.template_of(templates, model.model_id)
    similarity = similarity_of(probe.of(model.model_id).embedding, template.embedding)
    return decide(similarity, profile, model.calibration)
