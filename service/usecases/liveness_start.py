"""A liveness session is begun: a challenge that nobody could know before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service.domain.audit import Action
from service.domain.challenge import Step, random_challenge
from service.domain.collection import Collection
from service.domain.errors import (
    FieldProblem,
    InvalidRequest,
    LandmarksUnavailable,
    RateLimited,
    SubjectLocked,
)
from service.domain.liveness_session import (
    MOST_FAILED_OF_KEY,
    MOST_FAILED_OF_SUBJECT,
    MOST_OPEN,
    Binding,
    Purpose,
    SessionProgress,
)
from service.domain.ports import FaceEngine
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.liveness_session import LivenessRequest, binding_of, sealed
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

if TYPE_CHECKING:
    from service.storage.liveness_sessions import Count
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class StartedSession:
    session_id: UUID
    challenge: tuple[Step, ...]
    expires_at: datetime


def audited_start(request: LivenessRequest) -> AuditedCall:
    return AuditedCall(
        request.caller.name, Action.LIVENESS_START, request.collection, request.subject_id
    )


class StartLiveness:
    """Whoever begins many sessions and ends few as `live` has to wait."""

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        audit: AuditRecorder,
        engine: FaceEngine,
        challenge: Callable[[], tuple[Step, ...]] = random_challenge,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._audit = audit
        self._engine = engine
        self._challenge = challenge

    def __call__(self, request: LivenessRequest) -> StartedSession:
        """Raises `NotAllowed`, `CollectionNotFound`, `SubjectLocked`, `RateLimited`, `InvalidRequest` where
        there is a subject to search for, or none for anything else; `LandmarksUnavailable`.
        """
        _require_subject(request)
        if not self._engine.sees_landmarks:
            raise LandmarksUnavailable(model=self._engine.model.name)
        request.caller.require_collection(request.collection)
        session_id, challenge = uuid4(), self._challenge()
        with self._storage.transaction(*_waits_for(request)) as tx:
            collection = require_collection(tx, request.collection)
            if request.subject_id is not None:
                tx.failed_comparisons.lock_subject(collection, request.subject_id)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            binding = binding_of(unlocked, request)
            tx.liveness_sessions.forget()
            _require_patience(tx, collection, binding)
            content = sealed(unlocked, session_id, SessionProgress(challenge))
            expires_at = tx.liveness_sessions.add(session_id, collection, binding, content)
            call = audited_start(request)
            self._audit.record(tx, call.action, call.caller, collection, call.subject_id)
        return StartedSession(session_id, challenge, expires_at)


def _waits_for(request: LivenessRequest) -> tuple[str, ...]:
    """Of simultaneous starts for one person each must see those before it: else whoever has a recording
    would begin many at once, and go on with the one that asks for it.
    """
    return () if request.subject_id is None else (request.collection, request.subject_id)


def _require_subject(request: LivenessRequest) -> None:
    searches = request.purpose is Purpose.SEARCH
    if searches != (request.subject_id is None):
        problem = FieldProblem.UNKNOWN if searches else FieldProblem.MISSING
        raise InvalidRequest([{"field": "subjectId", "problem": problem}])


def _require_patience(tx: Transaction, collection: Collection, binding: Binding) -> None:
    """Raises `SubjectLocked`, `RateLimited`."""
    sessions, caller = tx.liveness_sessions, binding.caller
    if binding.subject is not None:
        failed = sessions.failed_of_subject(collection, caller, binding.subject)
        if failed.number >= MOST_FAILED_OF_SUBJECT:
            raise SubjectLocked(_whole(failed))
    limits = ((sessions.open_of, MOST_OPEN), (sessions.failed_of, MOST_FAILED_OF_KEY))
    for count, most in limits:
        if (found := count(caller)).number >= most:
            raise RateLimited(_whole(found))


def _whole(count: Count) -> int:
    return max(1, math.ceil(count.seconds))
