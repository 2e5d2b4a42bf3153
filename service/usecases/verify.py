"""Is this the person they say they are?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.decision import Decision, decide
from service.domain.face import FaceSource, Sample
from service.domain.lockout import Comparison
from service.domain.template import cosine_similarity
from service.domain.thresholds import BALANCED, Calibration
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.lockouts import Lockout
from service.usecases.sampler import Sampler
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


@dataclass(frozen=True, slots=True)
class Verification:
    subject_id: str
    decision: Decision
    model_id: str
    samples: Sequence[Sample]


def audited_verification(request: VerifyRequest) -> AuditedCall:
    return AuditedCall(request.caller.name, Action.VERIFY, request.collection, request.subject_id)


class Verify:
    """Compares a probe with one subject's template, read by key; never searches.

    The photographs are looked at before the subject is looked up, so that the time an answer
    takes does not tell who is enrolled.
    """

    def __init__(
        self,
        sampler: Sampler,
        storage: Storage,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        audit: AuditRecorder,
        lockout: Lockout,
    ) -> None:
        self._sampler = sampler
        self._storage = storage
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._audit = audit
        self._lockout = lockout

    def __call__(self, request: VerifyRequest) -> Verification:
        """Raises `NotAllowed`, `CollectionNotFound`, `SubjectNotFound`, `ProfileNotFound`,
        `ModelMismatch`, `TemplateTampered`, `SubjectLocked`, and what `Sampler.probe` raises.
        """
        request.caller.require_access(request.collection, request.source)
        probe = self._sampler.probe(request.source)
        caller, subject_id = request.caller.name, request.subject_id
        with self._storage.transaction(request.collection, subject_id) as tx:
            subject = tx.failed_comparisons.subject_for_comparison(
                request.collection, subject_id, counted=self._lockout.counted
            )
            collection, lockout = subject.collection, self._lockout
            calibration = self._calibration.with_thresholds(collection.settings.thresholds)
            profile = calibration.profile(request.profile or BALANCED)
            comparison = Comparison(subject.refusals, caller, lockout.clock(), lockout.rules)
            comparison.require_open()
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            template = unlocked.template_of(subject.templates, self._model_id)
            similarity = cosine_similarity(probe.template.embedding, template.embedding)
            decision = decide(similarity, profile, calibration)
            lockout.settle(tx, subject, subject_id, comparison, match=decision.match)
            call = audited_verification(request)
            self._audit.record_decision(tx, call, collection, match=decision.match)
        return Verification(request.subject_id, decision, self._model_id, probe.samples)
