"""Who is enrolled, and forgetting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.api.answers import ErasureAnswer, SubjectAnswer, SubjectList, UnlockAnswer
from service.api.bodies import SubjectId
from service.api.caller import AdminCaller
from service.api.dependencies import UseCases
from service.api.galleries import QueryCollection
from service.api.openapi import PROBLEMS, example
from service.api.showing import erasure_answer, subject_answer, subject_list

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
    services: UseCases,
    collection: QueryCollection,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[SubjectId | None, Query()] = None,
) -> SubjectList:
    """Everybody in a collection, in the order of their ids, a page at a time."""
    return subject_list(services.subjects.page(collection, limit, cursor))


@router.get(
    "/{subjectId}",
    responses=example(
        {**_ENTRY, "modelIds": ["buffalo_l@sha256:4c06..."], "metadata": {"membership": "gold"}}
    ),
)
def show_subject(
    services: UseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> SubjectAnswer:
    """One person, without vectors."""
    return subject_answer(services.subjects.show(subject_id, collection))


@router.delete(
    "/{subjectId}",
    responses=example(
        {
            "subjectId": "user-1",
            "collection": "default",
            "templatesDeleted": 1,
            "deletedAt": "2026-01-01T09:00:00Z",
            "auditId": "0d4c9d0a-3a57-4a3c-9a39-5e1c5c0c8c55",
        }
    ),
)
def delete_subject(
    caller: AdminCaller,
    services: UseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> ErasureAnswer:
    """Forget a person: templates, metadata and earlier answers."""
    return erasure_answer(services.erase(subject_id, collection, caller.name))


@router.delete(
    "/{subjectId}/lock",
    responses=example({"subjectId": "user-1", "collection": "default", "locked": False}),
)
def unlock_subject(
    caller: AdminCaller,
    services: UseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> UnlockAnswer:
    """Open a subject that was locked after too many refusals, and forget those."""
    services.unlock(subject_id, collection, caller.name)
    return UnlockAnswer(subject_id=subject_id, collection=collection, locked=False)
