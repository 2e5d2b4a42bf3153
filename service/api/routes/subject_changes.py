"""An enrolled person gets another id, turns out to be another one, or is unlocked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from service.api.auth import AdminCaller, AllUseCases, QueryCollection
from service.api.models import Camel, SubjectId
from service.api.openapi import PROBLEMS, example, json_body, refusals
from service.api.request_body import body_of, read_json
from service.api.routes.subjects import ONE, Subject, SubjectAnswer, one_subject
from service.domain.errors import (
    ClocksDisagree,
    InvalidEmbedding,
    ModelMismatch,
    SubjectExists,
    SubjectMismatch,
)
from service.usecases.merge import MergeRequest
from service.usecases.subjects import ChangedSubject

router = APIRouter(prefix="/admin/subjects", tags=["subjects"], responses=PROBLEMS)


class ChangedSubjectAnswer(SubjectAnswer):
    """As they are from now on. `auditId`: the record of what was done."""

    audit_id: UUID


class RenameBody(Camel):
    to: SubjectId


class MergeBody(Camel):
    """`force`: also where the two do not look the same, or were decided to be different people."""

    from_: SubjectId = Field(alias="from")
    force: bool = False


_ANSWER = example({**ONE, "auditId": "0d4c9d0a-3a57-4a3c-9a39-5e1c5c0c8c55"})


@router.post(
    "/{subjectId}/rename",
    responses={**_ANSWER, **refusals(SubjectExists, ClocksDisagree)},
    openapi_extra=json_body(RenameBody, {"to": "user-2"}),
)
def rename_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
    body: Annotated[RenameBody, Depends(body_of(RenameBody, read_json))],
) -> ChangedSubjectAnswer:
    """Give a person another id. Everything goes along: templates, terms, refused faces and locks, earlier answers."""
    changed = use_cases.rename(subject_id, body.to, collection, caller.name)
    return changed_subject_answer(changed)


@router.post(
    "/{subjectId}/merge",
    responses={**_ANSWER, **refusals(SubjectMismatch, ModelMismatch, InvalidEmbedding)},
    openapi_extra=json_body(MergeBody, {"from": "user-2", "force": False}),
)
def merge_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
    body: Annotated[MergeBody, Depends(body_of(MergeBody, read_json))],
) -> ChangedSubjectAnswer:
    """Two who are enrolled are one person: what is kept of `from` goes over to this one, and the id `from` is gone."""
    request = MergeRequest(subject_id, body.from_, collection, caller.name, body.force)
    return changed_subject_answer(use_cases.merge(request))


@router.post("/{subjectId}/unlock", responses=_ANSWER)
def unlock_subject(
    caller: AdminCaller,
    use_cases: AllUseCases,
    subject_id: Subject,
    collection: QueryCollection,
) -> ChangedSubjectAnswer:
    """Open a person who was locked after too many refusals, for every key, and forget those."""
    return changed_subject_answer(use_cases.unlock(subject_id, collection, caller.name))


def changed_subject_answer(changed: ChangedSubject) -> ChangedSubjectAnswer:
    return ChangedSubjectAnswer(**one_subject(changed.details), audit_id=changed.audit_id)
