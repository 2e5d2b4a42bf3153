"""Who is enrolled, and forgetting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.api.auth import AdminCaller, QueryCollection
from service.api.dependencies import AllUseCases
from service.api.openapi import PROBLEMS, example
from service.api.request_models import SubjectId
from service.api.response_models import (
    ErasureAnswer,
    ExportAnswer,
    SubjectAnswer,
    SubjectList,
    UnlockAnswer,
)
from service.api.responses import erasure_answer, export_answer, subject_answer, subject_list

router = APIRouter(prefix="/admin/subjects", tags=["subjects"], responses=PROBLEMS)

DEFAULT_PAGE, LARGEST_PAGE = 50, 500

Subject = Annotated[SubjectId, Path(alias="subjectId")]

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
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE,
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
        "exportedAt": "2026-01-02T09:00:00Z",
        "auditId": "6c1e6a8e-6b8b-4b8e-8a7e-0d1a0f4f9f11",
    }
)


@router.get(
    "/{subjectId}",
    responses=example(
        {
            **_ENTRY,
            "modelIds": ["buffalo_l@sha256:4c06..."],
            "metadata": {"membership": "gold"},
            **_TERMS,
        }
    ),
)
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
    """Everything held about a person, vectors included, for that person (GDPR, Art. 15 and 20)."""
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


@router.delete(
    "/{subjectId}/lock",
    responses=example({"subjectId": "user-1", "collection": "default", "locked": False}),
)
def unlock_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> UnlockAnswer:
    """Open a subject that was locked after too many refusals, for every key, and forget those."""
    use_cases.unlock(subject_id, collection, caller.name)
    return UnlockAnswer(subject_id=subject_id, collection=collection, locked=False)
