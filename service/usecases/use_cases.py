"""All use cases of one process, as the HTTP room gets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.domain.flagged_duplicate import FlaggedDuplicate
from service.usecases.api_keys import ApiKeys
from service.usecases.audit import ListAudit
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.capacity import CheckCapacity
from service.usecases.collections import Collections
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erasure, Purge
from service.usecases.flagged_duplicates import ListDuplicates, ResolveRequest
from service.usecases.identify import SearchRequest, SearchResult
from service.usecases.index_sync import IndexSync
from service.usecases.liveness_frames import FramesRequest, TakenFrames
from service.usecases.liveness_session import LivenessRequest
from service.usecases.liveness_start import StartedSession
from service.usecases.merge import MergeRequest
from service.usecases.model_move import AdvanceMoves
from service.usecases.readiness import CheckReadiness
from service.usecases.sampler import CheckPhotograph, MakeToken
from service.usecases.subjects import ChangedSubject, Export, Subjects
from service.usecases.unlock import Unlock
from service.usecases.verify import Verification, VerifyRequest


@dataclass(frozen=True, slots=True)
class UseCases:
    token: MakeToken
    check: CheckPhotograph
    start_liveness: Callable[[LivenessRequest], StartedSession]
    take_frames: Callable[[FramesRequest], TakenFrames]
    enroll: Callable[[EnrollRequest], Enrolled]
    verify: Callable[[VerifyRequest], Verification]
    identify: Callable[[SearchRequest], SearchResult]
    erase: Callable[[str, str, str], Erasure]
    withdraw_consent: Callable[[str, str, str], Erasure]
    subjects: Subjects
    collections: Collections
    api_keys: ApiKeys
    readiness: CheckReadiness
    export: Export
    purge: Purge
    unlock: Unlock
    list_duplicates: ListDuplicates
    resolve_duplicate: Callable[[ResolveRequest], FlaggedDuplicate]
    rename: Callable[[str, str, str, str], ChangedSubject]
    merge: Callable[[MergeRequest], ChangedSubject]
    list_audit: ListAudit
    audit_recorder: AuditRecorder
    index_sync: IndexSync | None = None
    advance_moves: AdvanceMoves | None = None
    restart_database: Callable[[], None] | None = None
    capacity: CheckCapacity | None = None
