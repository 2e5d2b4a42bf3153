"""The shapes of answers, in camelCase."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service.api.camel import Camel
from service.domain.collection import DuplicatePolicy
from service.domain.decision import Recommendation
from service.domain.face import Reason
from service.domain.thresholds import Band


class TokenAnswer(Camel):
    success: bool
    embedding: list[float] | None
    error: str | None


class ImageOutcome(Camel):
    index: int
    accepted: bool
    reason: Reason | None
    advice: str | None
    detection_score: float | None


class Duplicate(Camel):
    """`subjectId` is left out for callers without the scope `search`."""

    subject_id: str | None
    similarity: float


class EnrollAnswer(Camel):
    subject_id: str
    collection: str
    template_id: UUID
    model_id: str
    images_used: int
    images: list[ImageOutcome]
    duplicates: list[Duplicate]
    enrolled_at: datetime


class VerifyAnswer(Camel):
    subject_id: str
    match: bool
    similarity: float
    threshold: float
    profile: str
    band: Band
    recommendation: Recommendation
    model_id: str
    images: list[ImageOutcome]


class CandidateAnswer(Camel):
    subject_id: str
    similarity: float
    band: Band


class SearchAnswer(Camel):
    candidates: list[CandidateAnswer]
    threshold: float
    profile: str
    searched: int
    exact: bool


class DedupeAnswer(SearchAnswer):
    duplicate: bool


class IdentifyAnswer(SearchAnswer):
    match: bool


class SubjectEntry(Camel):
    subject_id: str
    collection: str
    templates: int
    enrolled_at: datetime


class SubjectList(Camel):
    subjects: list[SubjectEntry]
    next_cursor: str | None


class SubjectAnswer(SubjectEntry):
    model_ids: list[str]
    metadata: dict[str, Any] | None


class ErasureAnswer(Camel):
    subject_id: str
    collection: str
    templates_deleted: int
    deleted_at: datetime
    audit_id: UUID


class ProfileAnswer(Camel):
    threshold: float
    false_match_rate: float | None
    source: str


class CollectionAnswer(Camel):
    """`expectedFalseCandidates`: strangers that one search names on average at this size."""

    collection: str
    model_id: str | None
    threshold_profiles: dict[str, ProfileAnswer]
    duplicate_policy: DuplicatePolicy
    duplicate_profile: str
    templates: int
    expected_false_candidates: float | None
    created_at: datetime


class CollectionErasureAnswer(Camel):
    collection: str
    templates_deleted: int


class AuditRecordAnswer(Camel):
    """`subject`: the person as a keyed hash, hexadecimal. `digest`: None before the chain began."""

    sequence: int
    audit_id: UUID
    at: datetime
    caller: str
    action: str
    collection: str | None
    subject: str | None
    outcome: str
    request_id: str | None
    digest: str | None


class AuditList(Camel):
    records: list[AuditRecordAnswer]
    next_cursor: int | None


class HealthAnswer(Camel):
    status: str


class ReadinessAnswer(Camel):
    """`database`: `ready` or the code of what is wrong (`database_not_migrated`, ...)."""

    status: str
    database: str
    model: str
    providers_requested: list[str]
    providers_obtained: list[str]


class ProblemAnswer(Camel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[dict[str, Any]] | None = None
