"""Who was flagged as looking like somebody enrolled, and what a person decides about the two."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from service.api.auth import AdminCaller, AllUseCases, QueryCollection, Settings
from service.api.models import Between, Camel, Similarity
from service.api.openapi import PROBLEMS, example, json_body, refusals
from service.api.request_body import body_of, read_json
from service.domain.callers import LOCAL_USER, Caller
from service.domain.decision import SimilarityDetail, detail_for, shown_similarity
from service.domain.errors import DuplicateNotFound, DuplicateResolved
from service.domain.flagged_duplicate import (
    PLACE,
    DuplicateDecision,
    FlaggedDuplicate,
    FlagPlace,
    FlagStatus,
)
from service.usecases.flagged_duplicates import DuplicatePage, ResolveRequest

router = APIRouter(prefix="/admin/duplicates", tags=["duplicates"], responses=PROBLEMS)

DEFAULT_PAGE, LARGEST_PAGE = 50, 500

Place = Annotated[str, Field(pattern=f"^{PLACE}$")]


class FlaggedDuplicateAnswer(Camel):
    """`subjectId`: who was enrolled. `duplicateOf`: whom they looked like. `decidedBy`: the name of the
    API key.
    """

    duplicate_id: UUID
    collection: str
    subject_id: str
    duplicate_of: str
    similarity: Similarity
    flagged_at: datetime
    status: FlagStatus
    decision: DuplicateDecision | None
    decided_at: datetime | None
    decided_by: str | None


class DuplicateList(Camel):
    duplicates: list[FlaggedDuplicateAnswer]
    next_cursor: str | None


class ResolveBody(Camel):
    decision: DuplicateDecision
    force: bool = Field(False, description="Overrule another decision that was made before")


_FLAGGED = {
    "duplicateId": "5b0f7c1e-3c52-4b61-9d0c-2f4b6f7d8a90",
    "collection": "default",
    "subjectId": "user-2",
    "duplicateOf": "user-1",
    "similarity": 0.71,
    "flaggedAt": "2026-01-01T09:00:00Z",
    "status": "open",
    "decision": None,
    "decidedAt": None,
    "decidedBy": None,
}
_DECIDED = {
    "status": "resolved",
    "decision": "different_people",
    "decidedAt": "2026-01-02T09:00:00Z",
    "decidedBy": "office",
}


@router.get("", responses=example({"duplicates": [_FLAGGED], "nextCursor": None}))
def list_duplicates(
    caller: AdminCaller,
    use_cases: AllUseCases,
    settings: Settings,
    collection: QueryCollection,
    status: Annotated[FlagStatus, Query()] = FlagStatus.OPEN,
    limit: Annotated[int, Query(), Between(1, LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[Place | None, Query()] = None,
) -> DuplicateList:
    """What `onDuplicate=flag` has flagged, newest first, a page at a time: those that wait for somebody
    to decide, or those that were decided.
    """
    after = None if cursor is None else FlagPlace.of(cursor)
    page = use_cases.list_duplicates(collection, status, limit, after)
    return duplicate_list(page, caller, settings.reply_similarity)


@router.post(
    "/{duplicateId}/resolve",
    responses=refusals(DuplicateNotFound, DuplicateResolved) | example(_FLAGGED | _DECIDED),
    openapi_extra=json_body(ResolveBody, {"decision": "different_people"}),
)
def resolve_duplicate(
    caller: AdminCaller,  # named first: see body_of
    use_cases: AllUseCases,
    settings: Settings,
    duplicate_id: Annotated[UUID, Path(alias="duplicateId")],
    collection: QueryCollection,
    body: Annotated[ResolveBody, Depends(body_of(ResolveBody, read_json))],
) -> FlaggedDuplicateAnswer:
    """Decide about two people who look alike. `different_people`: duplicate checks of either name the
    other no more. `same_person`: this is kept; to make them one, merge them, or delete one of them.
    """
    asked = ResolveRequest(duplicate_id, body.decision, collection, caller.name, body.force)
    resolved = use_cases.resolve_duplicate(asked)
    detail = detail_for(caller, settings.reply_similarity)
    return flagged_duplicate_answer(resolved, collection, detail)


def duplicate_list(
    page: DuplicatePage,
    caller: Caller = LOCAL_USER,
    configured: SimilarityDetail = SimilarityDetail.EXACT,
) -> DuplicateList:
    """`configured`: as for `detail_for`."""
    detail, place = detail_for(caller, configured), page.next_place
    return DuplicateList(
        duplicates=[
            flagged_duplicate_answer(one, page.collection, detail) for one in page.duplicates
        ],
        next_cursor=None if place is None else str(place),
    )


def flagged_duplicate_answer(
    flagged: FlaggedDuplicate, collection: str, detail: SimilarityDetail
) -> FlaggedDuplicateAnswer:
    resolution = flagged.resolution
    return FlaggedDuplicateAnswer(
        duplicate_id=flagged.duplicate_id,
        collection=collection,
        subject_id=flagged.subject_id,
        duplicate_of=flagged.duplicate_of,
        similarity=shown_similarity(flagged.similarity, detail),
        flagged_at=flagged.flagged_at,
        status=flagged.status,
        decision=None if resolution is None else resolution.decision,
        decided_at=None if resolution is None else resolution.at,
        decided_by=None if resolution is None else resolution.by,
    )
