"""Sign a person up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from service.api.auth import EnrollCaller
from service.api.dependencies import AllUseCases, CallersLanguage, Settings
from service.api.openapi import PROBLEMS, example, face_body
from service.api.request_body import body_of
from service.api.request_models import EnrollBody
from service.api.response_models import EnrollAnswer
from service.api.responses import enroll_answer, sent
from service.domain.callers import Scope
from service.domain.decision import detail_for
from service.usecases.enrollment import EnrollRequest

router = APIRouter(tags=["enrollment"], responses=PROBLEMS)

CREATED = 201

_ANSWER = example(
    {
        "subjectId": "user-1",
        "collection": "default",
        "templateId": "1f7b4c0e-6a53-4f0a-9f61-6f6f0d7c1f0a",
        "modelId": "buffalo_l@sha256:4c06...",
        "imagesUsed": 3,
        "images": [
            {
                "index": 0,
                "accepted": True,
                "reason": None,
                "advice": None,
                "detectionScore": 0.87,
            }
        ],
        "duplicates": [],
        "enrolledAt": "2026-01-01T09:00:00Z",
    },
    status=CREATED,
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="A retry under the same key returns the first answer; where the person "
        "has gone since, it is refused for 30 days.",
    ),
]


@router.post(
    "/enroll",
    status_code=CREATED,
    responses=_ANSWER,
    response_model=EnrollAnswer,
    openapi_extra=face_body(EnrollBody, subjectId="user-1", collection="default", mode="create"),
)
def enroll(
    caller: EnrollCaller,
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    body: Annotated[EnrollBody, Depends(body_of(EnrollBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Enroll a person, unless somebody enrolled already looks the same."""
    request = EnrollRequest(
        subject_id=body.subject_id,
        source=body.source(settings.max_frames, settings.max_images),
        collection=body.collection,
        caller=caller,
        mode=body.mode,
        on_duplicate=body.on_duplicate,
        profile=body.profile,
        metadata=body.metadata,
        idempotency_key=idempotency_key,
        expires_at=body.expires_at,
        consent_reference=body.consent_reference,
    )
    enrolled = use_cases.enroll(request)
    detail = detail_for(caller, settings.reply_similarity)
    answer = enroll_answer(enrolled, language, detail, with_ids=caller.may(Scope.SEARCH))
    return sent(answer, CREATED)
