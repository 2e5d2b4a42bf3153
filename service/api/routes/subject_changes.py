"""An enrolled person gets another id, or is unlocked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from service.api.auth import AdminCaller, AllUseCases, QueryCollection
from service.api.models import Camel, SubjectId
from service.api.openapi import PROBLEMS, example, json_body, refusals
from service.api.request_body import body_of, read_json
from service.api.routes.subjects import ONE, Subject, SubjectAnswer, one_subject
from service.domain.errors import ClocksDisagree, SubjectExists
from service.usecases.subjects import ChangedSubject

router = APIRouter(prefix="/admin/subjects", tags=["subjects"], responses=PROBLEMS)


class ChangedSubjectAnswer(SubjectAnswer):
    """As they are from now on. `auditId`: the record of what was done."""

    audit_id: UUID


class RenameBody(Camel):
    to: SubjectId


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
