"""Who is enrolled, and forgetting them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from service.api.auth import AdminCaller, AllUseCases, QueryCollection
from service.api.models import Between, Camel, SubjectId
from service.api.openapi import PROBLEMS, example
from service.domain.flagged_duplicate import DuplicateDecision, FlaggedDuplicate
from service.usecases.erase import Erasure
from service.usecases.subjects import (
    Exported,
    ExportedTemplate,
    SubjectDetails,
    SubjectPage,
    SubjectSummary,
)

router = APIRouter(prefix="/admin/subjects", tags=["subjects"], responses=PROBLEMS)

DEFAULT_PAGE, LARGEST_PAGE = 50, 500

Subject = Annotated[SubjectId, Path(alias="subjectId")]


class SubjectEntry(Camel):
    subject_id: str
    collection: str
    templates: int
    enrolled_at: datetime


class SubjectList(Camel):
    subjects: list[SubjectEntry]
    next_cursor: str | None


class SubjectAnswer(SubjectEntry):
    """`expiresAt`: the earlier of the person's own and the collection's. `lockedUntil`: of the key for which
    the person is locked longest; null where none is.
    """

    model_ids: list[str]
    metadata: dict[str, Any] | None
    expires_at: datetime | None
    consent_reference: str | None
    locked_until: datetime | None


class TemplateExport(Camel):
    """`samples`: of how many photographs it is the mean. `embedding`: 512 numbers of length 1."""

    template_id: UUID
    model_id: str
    created_at: datetime
    samples: int
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


class FlagExport(Camel):
    """That this person and another one, who is not named here, were found alike; `decision`: null until
    somebody has decided.
    """

    duplicate_id: UUID
    similarity: float
    flagged_at: datetime
    decision: DuplicateDecision | None
    decided_at: datetime | None
    decided_by: str | None


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
    duplicates: list[FlagExport]
    exported_at: datetime
    audit_id: UUID


class ErasureAnswer(Camel):
    subject_id: str
    collection: str
    templates_deleted: int
    deleted_at: datetime
    audit_id: UUID


_ENTRY = {
    "subjectId": "user-1",
    "collection": "default",
    "templates": 1,
    "enrolledAt": "2026-01-01T09:00:00Z",
}


@router.get("", responses=example({"subjects": [_ENTRY], "nextCursor": "user-1"}))
def list_subjects(
    use_cases: AllUseCases,
    collection: QueryCollection,
    limit: Annotated[int, Query(), Between(1, LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[SubjectId | None, Query()] = None,
) -> SubjectList:
    """Everybody in a collection, in the order of their ids, a page at a time."""
    return subject_list(use_cases.subjects.page(collection, limit, cursor))


_TERMS = {"expiresAt": "2027-01-01T09:00:00Z", "consentReference": "form-2026-0001"}

_ERASURE = example(
    {
        "subjectId": "user-1",
        "collection": "default",
        "templatesDeleted": 1,
        "deletedAt": "2026-01-01T09:00:00Z",
        "auditId": "0d4c9d0a-3a57-4a3c-9a39-5e1c5c0c8c55",
    }
)

_EXPORT = example(
    {
        "subjectId": "user-1",
        "collection": "default",
        "enrolledAt": "2026-01-01T09:00:00Z",
        **_TERMS,
        "metadata": {"membership": "gold"},
        "templates": [
            {
                "templateId": "1f7b4c0e-6a53-4f0a-9f61-6f6f0d7c1f0a",
                "modelId": "buffalo_l@sha256:4c06...",
                "createdAt": "2026-01-01T09:00:00Z",
                "samples": 3,
                "embedding": [0.0123, -0.0456, 0.0789],
            }
        ],
        "audit": [
            {
                "auditId": "0d4c9d0a-3a57-4a3c-9a39-5e1c5c0c8c55",
                "at": "2026-01-01T09:00:00Z",
                "action": "enroll",
                "outcome": "done",
                "caller": "till-1",
            }
        ],
        "answers": [{"caller": "till-1", "idempotencyKey": "order-1"}],
        "refusals": [
            {
                "caller": "till-1",
                "number": 1,
                "since": "2026-01-01T10:00:00Z",
                "lockedUntil": None,
            }
        ],
        "duplicates": [
            {
                "duplicateId": "5b0f7c1e-3c52-4b61-9d0c-2f4b6f7d8a90",
                "similarity": 0.7134,
                "flaggedAt": "2026-01-01T09:00:00Z",
                "decision": None,
                "decidedAt": None,
                "decidedBy": None,
            }
        ],
        "exportedAt": "2026-01-02T09:00:00Z",
        "auditId": "6c1e6a8e-6b8b-4b8e-8a7e-0d1a0f4f9f11",
    }
)


ONE = {
    **_ENTRY,
    "modelIds": ["buffalo_l@sha256:4c06..."],
    "metadata": {"membership": "gold"},
    **_TERMS,
    "lockedUntil": None,
}


@router.get("/{subjectId}", responses=example(ONE))
def show_subject(
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> SubjectAnswer:
    """One person, without vectors."""
    return subject_answer(use_cases.subjects.show(subject_id, collection))


@router.get("/{subjectId}/export", responses=_EXPORT)
def export_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> ExportAnswer:
    """Everything held about a person, vectors included, for that person (GDPR, articles 15 and 20)."""
    return export_answer(use_cases.export(subject_id, collection, caller.name))


@router.delete("/{subjectId}/consent", responses=_ERASURE)
def withdraw_consent(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> ErasureAnswer:
    """A person takes their consent back: they are forgotten, and the log says why."""
    return erasure_answer(use_cases.withdraw_consent(subject_id, collection, caller.name))


@router.delete("/{subjectId}", responses=_ERASURE)
def delete_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> ErasureAnswer:
    """Forget a person: templates, metadata and earlier answers."""
    return erasure_answer(use_cases.erase(subject_id, collection, caller.name))


def subject_list(page: SubjectPage) -> SubjectList:
    entries = [SubjectEntry(**_entry(summary)) for summary in page.subjects]
    return SubjectList(subjects=entries, next_cursor=page.next_cursor)


def subject_answer(details: SubjectDetails) -> SubjectAnswer:
    return SubjectAnswer(**one_subject(details))


def one_subject(details: SubjectDetails) -> dict[str, Any]:
    """What is told of them, by the fields of `SubjectAnswer`."""
    return dict(
        **_entry(details.summary),
        model_ids=list(details.model_ids),
        metadata=details.metadata,
        expires_at=details.expires_at,
        consent_reference=details.consent_reference,
        locked_until=details.locked_until,
    )


def export_answer(exported: Exported) -> ExportAnswer:
    return ExportAnswer(
        subject_id=exported.subject_id,
        collection=exported.collection,
        enrolled_at=exported.enrolled_at,
        expires_at=exported.expires_at,
        consent_reference=exported.consent_reference,
        metadata=exported.metadata,
        templates=[_template(one) for one in exported.templates],
        audit=[
            AuditExport(
                audit_id=one.audit_id,
                at=one.at,
                action=one.action,
                outcome=one.outcome,
                caller=one.caller,
            )
            for one in exported.audit
        ],
        answers=[
            KeptAnswerExport(caller=one.caller, idempotency_key=one.key) for one in exported.answers
        ],
        refusals=[
            RefusalsExport(
                caller=caller, number=one.number, since=one.since, locked_until=one.locked_until
            )
            for caller, one in sorted(exported.refusals.items())
        ],
        duplicates=[_flag(one) for one in exported.duplicates],
        exported_at=exported.exported_at,
        audit_id=exported.audit_id,
    )


def _template(one: ExportedTemplate) -> TemplateExport:
    return TemplateExport(
        template_id=one.template_id,
        model_id=one.model_id,
        created_at=one.created_at,
        samples=one.samples,
        embedding=one.embedding.tolist(),
    )


def _flag(one: FlaggedDuplicate) -> FlagExport:
    resolution = one.resolution
    return FlagExport(
        duplicate_id=one.duplicate_id,
        similarity=one.similarity,
        flagged_at=one.flagged_at,
        decision=None if resolution is None else resolution.decision,
        decided_at=None if resolution is None else resolution.at,
        decided_by=None if resolution is None else resolution.by,
    )


def erasure_answer(erasure: Erasure) -> ErasureAnswer:
    return ErasureAnswer(
        subject_id=erasure.subject_id,
        collection=erasure.collection,
        templates_deleted=erasure.templates_deleted,
        deleted_at=erasure.deleted_at,
        audit_id=erasure.audit_id,
    )


def _entry(summary: SubjectSummary) -> dict[str, Any]:
    return {
        "subject_id": summary.subject_id,
        "collection": summary.collection,
        "templates": summary.templates,
        "enrolled_at": summary.enrolled_at,
    }
