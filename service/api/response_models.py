"""The shapes of answers, in camelCase."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from service.api.camel import Camel
from service.domain.collection import DuplicatePolicy
from service.domain.decision import Recommendation
from service.domain.face import Reason
from service.domain.search import SearchProblem
from service.domain.thresholds import Band

Similarity = Annotated[
    float | None,
    Field(
        description="Cosine. Two decimals, rounded down, unless the key has the scope `embedding`; "
        "null where the service is set to tell bands only. `match` is decided by the exact one."
    ),
]


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
    similarity: Similarity


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
    similarity: Similarity
    threshold: float
    profile: str
    band: Band
    recommendation: Recommendation
    model_id: str
    images: list[ImageOutcome]


class CandidateAnswer(Camel):
    subject_id: str
    similarity: Similarity
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
    """`expiresAt`: the earlier of the person's own and the collection's."""

    model_ids: list[str]
    metadata: dict[str, Any] | None
    expires_at: datetime | None
    consent_reference: str | None


class TemplateExport(Camel):
    """`embedding`: 512 numbers of length 1."""

    template_id: UUID
    model_id: str
    created_at: datetime
    embedding: list[float]


class AuditExport(Camel):
    """`caller`: the name of the API key. `outcome`: as in the audit log; of a refused call it is
    the error's code.
    """

    audit_id: UUID
    at: datetime
    action: str
    outcome: str
    caller: str


class KeptAnswerExport(Camel):
    """That an earlier answer is kept for retries."""

    caller: str
    idempotency_key: str


class RefusalsExport(Camel):
    """Faces that one key sent and that were not this person's, counted since `since`; `caller`: the
    key's name; `lockedUntil`: null, not locked for it.
    """

    caller: str
    number: int
    since: datetime
    locked_until: datetime | None


class ExportAnswer(Camel):
    """Everything held about a person. `audit`: since their enrollment."""

    subject_id: str
    collection: str
    enrolled_at: datetime
    expires_at: datetime | None
    consent_reference: str | None
    metadata: dict[str, Any] | None
    templates: list[TemplateExport]
    audit: list[AuditExport]
    answers: list[KeptAnswerExport]
    refusals: list[RefusalsExport]
    exported_at: datetime
    audit_id: UUID


class ErasureAnswer(Camel):
    subject_id: str
    collection: str
    templates_deleted: int
    deleted_at: datetime
    audit_id: UUID


class UnlockAnswer(Camel):
    subject_id: str
    collection: str
    locked: bool


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
    retention_days: int | None


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


class SearchStateAnswer(Camel):
    """What is held in memory for searches. `behind`: rows that are scanned in the database instead,
    and `problem` why: `loading`, `out_of_memory`, `damaged`.
    """

    rows: int
    bytes: int
    behind: int
    problem: SearchProblem | None


class ReadinessAnswer(Camel):
    """`database`: `ready` or the code of what is wrong (`database_not_migrated`, ...). `search`: None
    where every search scans the database.
    """

    status: str
    database: str
    model: str
    providers_requested: list[str]
    providers_obtained: list[str]
    search: SearchStateAnswer | None = None


class ProblemAnswer(Camel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; docs/errors.md lists all.")
    request_id: str
    errors: list[dict[str, Any]] | None = None
