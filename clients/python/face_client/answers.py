"""What the service answers, by the names of its JSON fields. Moments are texts of RFC 3339.

A field that a later version of the service adds stays in the answer.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Band = Literal["very_high", "high", "borderline", "low", "very_low"]
Recommendation = Literal["allow", "recapture", "deny"]
DuplicatePolicy = Literal["reject", "flag", "allow"]
Faces = Literal["one", "dominant"]
RequireLiveness = Literal["none", "verify", "enroll", "both"]
Decision = Literal["same_person", "different_people"]
Scope = Literal["token", "enroll", "verify", "search", "embedding", "admin"]


class Quality(TypedDict):
    sharpness: float
    brightness: float
    overexposure: float
    roll: float
    norm: float | None
    features: float | None


class ImageOutcome(TypedDict):
    index: int
    accepted: bool
    reason: str | None
    advice: str | None
    detectionScore: float | None
    quality: Quality | None
    ignoredFaces: int


class DecisionWarning(TypedDict):
    code: str
    message: str
    expectedFalseCandidates: float | None
    maxFalseCandidates: float | None


class LivenessReason(TypedDict):
    code: str
    message: str


class Liveness(TypedDict):
    verdict: Literal["live", "attack_suspected", "inconclusive"]
    reasons: list[LivenessReason]


class Token(TypedDict):
    """`error`: why there is no embedding; a capture that fails is an answer, not an error."""

    success: bool
    embedding: list[float] | None
    error: str | None
    code: str | None
    images: list[ImageOutcome]


class FaceBox(TypedDict):
    x: int
    y: int
    width: int
    height: int


class Check(TypedDict):
    usable: bool
    reason: str | None
    advice: str | None
    face: FaceBox | None
    quality: Quality | None
    ignoredFaces: int


class ChallengeStep(TypedDict):
    step: int
    do: str
    message: str


class Session(TypedDict):
    sessionId: str
    challenge: list[ChallengeStep]
    minFrames: int
    maxFrames: int
    expiresAt: str


class Frames(TypedDict):
    """`next`: the step to go on with; None when all are done."""

    accepted: bool
    next: int | None
    advice: str | None


class EnrolledDuplicate(TypedDict):
    subjectId: str | None
    similarity: float | None


class Enrollment(TypedDict):
    subjectId: str
    collection: str
    templateId: str
    modelId: str
    imagesUsed: int
    images: list[ImageOutcome]
    duplicates: list[EnrolledDuplicate]
    duplicateThreshold: float | None
    warnings: list[DecisionWarning]
    liveness: Liveness | None
    enrolledAt: str


class Verification(TypedDict):
    subjectId: str
    match: bool
    similarity: float | None
    threshold: float
    profile: str
    band: Band
    recommendation: Recommendation
    modelId: str
    images: list[ImageOutcome]
    warnings: list[DecisionWarning]
    liveness: Liveness | None


class Candidate(TypedDict):
    subjectId: str
    similarity: float | None
    band: Band


class SearchResult(TypedDict):
    candidates: list[Candidate]
    threshold: float
    profile: str
    searched: int
    images: list[ImageOutcome]
    exact: bool
    expectedFalseCandidates: float | None
    warnings: list[DecisionWarning]
    liveness: Liveness | None


class DuplicateCheck(SearchResult):
    duplicate: bool


class Identification(SearchResult):
    match: bool


class SubjectEntry(TypedDict):
    subjectId: str
    collection: str
    templates: int
    enrolledAt: str


class SubjectList(TypedDict):
    subjects: list[SubjectEntry]
    nextCursor: str | None


class Subject(SubjectEntry):
    """`lockedUntil`: of the key for which the person is locked longest."""

    modelIds: list[str]
    metadata: dict[str, Any] | None
    expiresAt: str | None
    consentReference: str | None
    lockedUntil: str | None


class ChangedSubject(Subject):
    auditId: str


class ExportedTemplate(TypedDict):
    templateId: str
    modelId: str
    createdAt: str
    samples: int
    embedding: list[float]


class ExportedRecord(TypedDict):
    auditId: str
    at: str
    action: str
    outcome: str
    caller: str


class KeptAnswer(TypedDict):
    caller: str
    idempotencyKey: str


class Refusals(TypedDict):
    caller: str
    number: int
    since: str
    lockedUntil: str | None


class ExportedDuplicate(TypedDict):
    duplicateId: str
    similarity: float
    flaggedAt: str
    decision: Decision | None
    decidedAt: str | None
    decidedBy: str | None


class SubjectExport(TypedDict):
    subjectId: str
    collection: str
    enrolledAt: str
    expiresAt: str | None
    consentReference: str | None
    metadata: dict[str, Any] | None
    templates: list[ExportedTemplate]
    audit: list[ExportedRecord]
    answers: list[KeptAnswer]
    refusals: list[Refusals]
    duplicates: list[ExportedDuplicate]
    exportedAt: str
    auditId: str


class Erasure(TypedDict):
    subjectId: str
    collection: str
    templatesDeleted: int
    deletedAt: str
    auditId: str


class FlaggedDuplicate(TypedDict):
    """`subjectId`: who was enrolled. `duplicateOf`: whom they looked like."""

    duplicateId: str
    collection: str
    subjectId: str
    duplicateOf: str
    similarity: float | None
    flaggedAt: str
    status: Literal["open", "resolved"]
    decision: Decision | None
    decidedAt: str | None
    decidedBy: str | None


class DuplicateList(TypedDict):
    duplicates: list[FlaggedDuplicate]
    nextCursor: str | None


class CollectionSettings(TypedDict, total=False):
    """What is left out: by `put_collection` set to its default, by `change_collection` left as it is."""

    thresholdProfiles: dict[str, float]
    duplicatePolicy: DuplicatePolicy
    duplicateProfile: str
    faces: Faces | None
    requireLiveness: RequireLiveness
    retentionDays: int | None
    maxFalseCandidates: float


class Profile(TypedDict):
    threshold: float
    falseMatchRate: float | None
    falseMatchRateBound: float | None
    falseNonMatchRate: float | None
    falseNonMatchRateBound: float | None
    source: str


class Bands(TypedDict):
    """The lowest similarity of each; below `low` is very low."""

    veryHigh: float
    high: float
    borderline: float
    low: float


class Collection(TypedDict):
    collection: str
    modelId: str | None
    thresholdProfiles: dict[str, Profile]
    ownThresholds: dict[str, float]
    bands: Bands
    duplicatePolicy: DuplicatePolicy
    duplicateProfile: str
    faces: Faces | None
    requireLiveness: RequireLiveness
    templates: int
    expectedFalseCandidates: float | None
    maxFalseCandidates: float
    searchThreshold: float
    createdAt: str
    retentionDays: int | None


class CollectionList(TypedDict):
    collections: list[Collection]
    nextCursor: str | None


class CollectionErasure(TypedDict):
    collection: str
    templatesDeleted: int


class ApiKey(TypedDict):
    name: str
    scopes: list[Scope]
    collections: list[str]
    createdAt: str
    expiresAt: str | None
    revokedAt: str | None
    lastUsedAt: str | None


class NewApiKey(ApiKey):
    """`apiKey`: the key itself, in this answer only."""

    apiKey: str


class ApiKeyList(TypedDict):
    apiKeys: list[ApiKey]


class AuditRecord(TypedDict):
    sequence: int
    auditId: str
    at: str
    caller: str
    action: str
    collection: str | None
    subject: str | None
    outcome: str
    requestId: str | None
    digest: str | None


class AuditList(TypedDict):
    records: list[AuditRecord]
    nextCursor: int | None


class Health(TypedDict):
    status: str


class SearchState(TypedDict):
    rows: int
    bytes: int
    behind: int
    problem: str | None


class Readiness(TypedDict):
    status: Literal["ready", "not_ready"]
    database: str
    model: str
    modelLicense: str
    providersRequested: list[str]
    providersObtained: list[str]
    search: SearchState | None
    livenessModels: list[str]
