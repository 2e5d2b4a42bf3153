"""A liveness session: begun, and gone on with frame by frame. Frames are looked at and forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service.domain.active_liveness import Doubt
from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.challenge import Step, random_challenge
from service.domain.collection import Collection
from service.domain.errors import (
    FieldProblem,
    InvalidRequest,
    LandmarksUnavailable,
    LivenessExpired,
    LivenessFailed,
    LivenessUsed,
    RateLimited,
    SubjectLocked,
)
from service.domain.face import CameraFrames, Photograph, Reason, Stills
from service.domain.frame_hash import is_same_frame
from service.domain.liveness_session import (
    EMBEDDING,
    LOOK,
    MOST_COST,
    MOST_COST_OF_A_CALL,
    MOST_FAILED_OF_KEY,
    MOST_FAILED_OF_SUBJECT,
    MOST_OPEN,
    Binding,
    Purpose,
    SessionProgress,
    SessionRow,
)
from service.domain.ports import FaceEngine
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.liveness_look import FrameObservers, StepFindings, StepLook
from service.usecases.liveness_progress import as_bytes, progress_of
from service.usecases.sampler import Samplers
from service.usecases.step_frames import StepFrames
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

if TYPE_CHECKING:
    from service.storage.liveness_sessions import Count
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

PURPOSE_OF_THE_SEAL = "liveness"


@dataclass(frozen=True, slots=True)
class LivenessRequest:
    """`subject_id`: whom it is about; None for a search, which is about nobody."""

    purpose: Purpose
    collection: str
    caller: Caller
    subject_id: str | None = None


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
            sealed = seal(unlocked, session_id, SessionProgress(challenge))
            expires_at = tx.liveness_sessions.add(session_id, collection, binding, sealed)
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


@dataclass(frozen=True, slots=True)
class FramesRequest:
    """`step`: its number in the challenge. `source`: its frames, in the order in which they were taken, or
    the service's own camera, which takes them now.
    """

    session_id: UUID
    step: int
    source: Stills | CameraFrames
    caller: Caller


@dataclass(frozen=True, slots=True)
class TakenFrames:
    """`next`: the step to go on with; None when all are met. `advice`: why this one is not met yet."""

    accepted: bool
    next: int | None
    advice: Doubt | Reason | None


def audited_frames(request: FramesRequest) -> AuditedCall:
    return AuditedCall(request.caller.name, Action.LIVENESS_FRAMES)


@dataclass(frozen=True, slots=True)
class _Opened:
    row: SessionRow
    progress: SessionProgress
    budget: int


class TakeFrames:
    """What a call may cost is spent before anything is looked at, so that simultaneous calls cost no more
    than one after the other; and no transaction is open for as long as a model runs.
    """

    def __init__(
        self,
        samplers: Samplers,
        frames: StepFrames,
        observers: FrameObservers,
        storage: Storage,
        vault: Vault,
    ) -> None:
        self._samplers = samplers
        self._frames = frames
        self._observers = observers
        self._storage = storage
        self._vault = vault

    def __call__(self, request: FramesRequest) -> TakenFrames:
        """Raises `NotAllowed`, `LivenessExpired`, `LivenessUsed`, `LivenessFailed` where it has cost all it may,
        `InvalidRequest` at another step than the next one, and what `StepFrames` raises.
        """
        if isinstance(request.source, CameraFrames):
            self._require_open(request)
        photographs = self._frames(request.source)
        begun = self._open(request)
        return self._write(begun, self._look(begun, photographs))

    def _look(self, begun: _Opened, photographs: Sequence[Photograph]) -> StepFindings:
        model_ids = self._samplers.look_at(begun.row.binding.collection).model_ids
        sampler = self._samplers.of(model_ids)
        return StepLook(sampler, self._observers, begun.progress, photographs, begun.budget)()

    def _require_open(self, request: FramesRequest) -> None:
        """The camera films nobody for a session that is over, or for another step."""
        with self._storage.transaction() as tx:
            row = tx.liveness_sessions.find(request.session_id, request.caller.name)
            self._opened(tx, row, request)

    def _open(self, request: FramesRequest) -> _Opened:
        with self._storage.transaction() as tx:
            found = tx.liveness_sessions.find_locked(request.session_id, request.caller.name)
            begun = self._opened(tx, found, request)
            return replace(begun, row=tx.liveness_sessions.spend(begun.row, begun.budget))

    def _opened(self, tx: Transaction, found: SessionRow | None, request: FramesRequest) -> _Opened:
        row = require_open(found)
        request.caller.require_collection(row.binding.collection)
        progress = opened(unlock(tx, row, self._vault), row)
        _require_next(progress, request.step)
        budget = min(MOST_COST_OF_A_CALL, MOST_COST - row.cost)
        if budget < LOOK + EMBEDDING:
            raise LivenessFailed
        return _Opened(row, progress, budget)

    def _write(self, begun: _Opened, look: StepFindings) -> TakenFrames:
        with self._storage.transaction(begun.row.binding.collection) as tx:
            unlocked = unlock(tx, begun.row, self._vault)
            progress = _gone_on(tx, unlocked, begun, look)
            sealed = seal(unlocked, begun.row.session_id, progress)
            if not tx.liveness_sessions.write(begun.row, sealed, begun.budget - look.cost):
                raise LivenessUsed
        return TakenFrames(look.advice is None, progress.next, look.advice)


def _require_next(progress: SessionProgress, step: int) -> None:
    if step != progress.next:
        allowed = {"choices": [] if progress.next is None else [progress.next]}
        raise InvalidRequest(
            [{"field": "step", "problem": FieldProblem.NOT_A_CHOICE, "allowed": allowed}]
        )


def _gone_on(
    tx: Transaction, unlocked: UnlockedCollection, begun: _Opened, look: StepFindings
) -> SessionProgress:
    """With the frames that were looked at, those marked that were seen before: in another session, or in
    another step of this one, since those of one step may differ by nothing but noise.
    """
    before, session_id = begun.progress, begun.row.session_id
    hashes = [unlocked.pseudonyms.frame_hash(each) for each in look.features]
    elsewhere = tx.liveness_frames.seen_before(unlocked.collection, session_id, hashes)
    tx.liveness_frames.add(unlocked.collection, session_id, hashes)
    known = list(zip((frame.step for frame in before.frames), before.hashes, strict=True))
    again = [
        any(step != frame.step and is_same_frame(its_hash, other) for step, other in known)
        for frame, its_hash in zip(look.frames, hashes, strict=True)
    ]
    frames = [
        replace(frame, is_replayed=here or there)
        for frame, here, there in zip(look.frames, again, elsewhere, strict=True)
    ]
    progress = replace(
        before,
        met=before.met + (look.advice is None),
        frames=(*before.frames, *frames),
        hashes=(*before.hashes, *hashes),
    )
    if look.probe is None:
        return progress
    return replace(progress, templates=look.probe.templates, sample=look.probe.samples[0])


def require_open(row: SessionRow | None) -> SessionRow:
    """Raises `LivenessExpired` where the caller has no such session, `LivenessUsed`."""
    if row is None or (row.is_expired and row.sealed is not None):
        raise LivenessExpired
    if row.sealed is None:
        raise LivenessUsed
    return row


def unlock(tx: Transaction, row: SessionRow, vault: Vault) -> UnlockedCollection:
    """Raises `CollectionNotFound`."""
    return UnlockedCollection.unlock(require_collection(tx, row.binding.collection), vault)


def opened(unlocked: UnlockedCollection, row: SessionRow) -> SessionProgress:
    """Raises `LivenessUsed`, `LivenessExpired` where its key was rotated away meanwhile, `TemplateTampered`."""
    if not unlocked.may_open(row.content):
        raise LivenessExpired
    record = str(row.session_id)
    return progress_of(unlocked.open_note("", PURPOSE_OF_THE_SEAL, record, row.content))


def seal(unlocked: UnlockedCollection, session_id: UUID, progress: SessionProgress) -> bytes:
    return unlocked.seal_note("", PURPOSE_OF_THE_SEAL, str(session_id), as_bytes(progress))


def binding_of(unlocked: UnlockedCollection, request: LivenessRequest) -> Binding:
    subject = None
    if request.subject_id is not None:
        subject = unlocked.pseudonyms.pseudonym(request.subject_id)
    name = unlocked.collection.name
    return Binding(request.caller.name, request.purpose, name, subject)
