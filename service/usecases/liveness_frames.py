"""A liveness session is gone on with, step by step. Frames are looked at and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.errors import FieldProblem, InvalidRequest, LivenessFailed
from service.domain.face import CameraFrames, Photograph, Reason, Stills
from service.domain.frame_hash import is_same_frame
from service.domain.liveness_session import (
    LEAST_COST_OF_A_CALL,
    MOST_COST,
    MOST_COST_OF_A_CALL,
    SessionProgress,
    SessionRow,
)
from service.domain.step_pose import Doubt, Frame
from service.usecases.audit_recorder import AuditedCall
from service.usecases.liveness_session import (
    require_found,
    sealed,
    unlocked_collection,
    unsealed,
    why_changed,
)
from service.usecases.sampler import Samplers
from service.usecases.step_frames import StepFrames
from service.usecases.step_inspection import FrameObservers, StepFindings, StepInspection
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


_FRAMES = "liveness frames"
"""No subject's id, which has no space: so these wait for each other, and not with those who enroll."""


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
class _Begun:
    """A call, and how much it may cost."""

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
        photographs = self._frames(request.source, lambda: self._require_turn(request))
        begun = self._spent(request)
        return self._written(begun, self._inspected(begun, photographs))

    def _require_turn(self, request: FramesRequest) -> None:
        """The camera films nobody for a session that is over, or for another step."""
        with self._storage.transaction() as tx:
            row = tx.liveness_sessions.find(request.session_id, request.caller.name)
            self._begun(tx, row, request)

    def _spent(self, request: FramesRequest) -> _Begun:
        with self._storage.transaction() as tx:
            row = tx.liveness_sessions.find_locked(request.session_id, request.caller.name)
            begun = self._begun(tx, row, request)
            return replace(begun, row=tx.liveness_sessions.spend(begun.row, begun.budget))

    def _begun(self, tx: Transaction, found: SessionRow | None, request: FramesRequest) -> _Begun:
        row = require_found(found)
        request.caller.require_collection(row.binding.collection)
        progress = unsealed(unlocked_collection(tx, row, self._vault), row)
        _require_next(progress, request.step)
        budget = min(MOST_COST_OF_A_CALL, MOST_COST - row.cost)
        if budget < LEAST_COST_OF_A_CALL:
            raise LivenessFailed
        return _Begun(row, progress, budget)

    def _inspected(self, begun: _Begun, photographs: Sequence[Photograph]) -> StepFindings:
        model_ids = self._samplers.look_at(begun.row.binding.collection).model_ids
        sampler = self._samplers.of(model_ids)
        return StepInspection(sampler, self._observers, begun.progress, photographs, begun.budget)()

    def _written(self, begun: _Begun, found: StepFindings) -> TakenFrames:
        where = begun.row.binding.collection, _FRAMES
        with self._storage.transaction(*where) as tx:
            unlocked = unlocked_collection(tx, begun.row, self._vault)
            progress = _gone_on(tx, unlocked, begun, found)
            content = sealed(unlocked, begun.row.session_id, progress)
            if not tx.liveness_sessions.write(begun.row, content, begun.budget - found.cost):
                raise why_changed(tx, begun.row)
        return TakenFrames(found.advice is None, progress.next, found.advice)


def _require_next(progress: SessionProgress, step: int) -> None:
    if step != progress.next:
        allowed = {"choices": [] if progress.next is None else [progress.next]}
        raise InvalidRequest(
            [{"field": "step", "problem": FieldProblem.NOT_A_CHOICE, "allowed": allowed}]
        )


def _gone_on(
    tx: Transaction, unlocked: UnlockedCollection, begun: _Begun, found: StepFindings
) -> SessionProgress:
    """With the frames that were looked at."""
    before = begun.progress
    hashes = [unlocked.pseudonyms.frame_hash(each) for each in found.features]
    seen = _seen_before(tx, unlocked, begun, found.frames, hashes)
    frames = [
        replace(one, is_replayed=again) for one, again in zip(found.frames, seen, strict=True)
    ]
    progress = replace(
        before,
        met=before.met + (found.advice is None),
        frames=(*before.frames, *frames),
        hashes=(*before.hashes, *hashes),
    )
    if found.probe is None:
        return progress
    return replace(progress, templates=found.probe.templates, sample=found.probe.samples[0])


def _seen_before(
    tx: Transaction,
    unlocked: UnlockedCollection,
    begun: _Begun,
    frames: Sequence[Frame],
    hashes: Sequence[bytes],
) -> list[bool]:
    """In another session, or in another step of this one: those of one step may differ by nothing but noise."""
    session_id, before = begun.row.session_id, begun.progress
    elsewhere = tx.liveness_frames.seen_before(unlocked.collection, session_id, hashes)
    tx.liveness_frames.add(unlocked.collection, session_id, hashes)
    known = list(zip((frame.step for frame in before.frames), before.hashes, strict=True))
    return [
        there or any(step != frame.step and is_same_frame(own, other) for step, other in known)
        for frame, own, there in zip(frames, hashes, elsewhere, strict=True)
    ]
