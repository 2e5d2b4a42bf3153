"""Sign a person up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError, from_json

from service.api.auth import AllUseCases, CallersLanguage, EnrollCaller, Settings
from service.api.models import (
    Camel,
    FaceBody,
    ImageOutcome,
    Liveness,
    Moment,
    Similarity,
    SubjectId,
    WarningAnswer,
    image_outcomes,
    json_response,
    liveness_answer,
    printable,
    warning_answers,
)
from service.api.openapi import IMAGE_EXAMPLE, PROBLEMS, example, face_body, refusals
from service.api.request_body import FaceRequest, face_request_of
from service.domain.callers import LOCAL_USER, Caller, Scope
from service.domain.collection import DuplicatePolicy
from service.domain.decision import SimilarityDetail, detail_for, shown_candidates
from service.domain.errors import (
    ClocksDisagree,
    DuplicateSubject,
    IdempotencyConflict,
    SubjectExists,
    SubjectMismatch,
)
from service.domain.identifiers import (
    IDEMPOTENCY_KEY,
    MOST_METADATA_BYTES,
    MOST_REFERENCE_CHARACTERS,
    metadata_fits,
)
from service.texts import Language
from service.usecases.enrollment import Enrolled, EnrollRequest, Mode

router = APIRouter(tags=["enrollment"], responses=PROBLEMS)

CREATED = 201

_ANSWER = example(
    {
        "subjectId": "user-1",
        "collection": "default",
        "templateId": "1f7b4c0e-6a53-4f0a-9f61-6f6f0d7c1f0a",
        "modelId": "buffalo_l@sha256:4c06...",
        "imagesUsed": 3,
        "images": [IMAGE_EXAMPLE],
        "duplicates": [],
        "duplicateThreshold": 0.4,
        "warnings": [],
        "liveness": None,
        "enrolledAt": "2026-01-01T09:00:00Z",
    },
    status=CREATED,
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=f"^{IDEMPOTENCY_KEY}$",
        description="A retry under the same key returns the first answer; where the person "
        "has gone since, it is refused for 30 days.",
    ),
]


def _parsed_metadata(value: object, info: ValidationInfo) -> object:
    """Multipart fields are text: there the metadata is a JSON text.

    Read by the parser of JSON bodies, which bounds how deep it may be nested.
    """
    if not isinstance(value, str) or info.mode == "json":
        return value
    try:
        return from_json(value)
    except ValueError:
        raise PydanticCustomError("json_invalid", "not JSON") from None


def _within_limit(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    if not metadata_fits(metadata):
        raise PydanticCustomError(
            "metadata_too_long", "too long", {"max_length": MOST_METADATA_BYTES}
        )
    return metadata


Metadata = Annotated[
    dict[str, Any], BeforeValidator(_parsed_metadata), AfterValidator(_within_limit)
]

ConsentReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_REFERENCE_CHARACTERS,
        json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"},
    ),
    AfterValidator(printable),
]


class EnrollBody(FaceBody):
    subject_id: SubjectId
    mode: Mode = Mode.CREATE
    on_duplicate: DuplicatePolicy | None = None
    metadata: Metadata | None = Field(None, repr=False)
    expires_at: Moment | None = None
    consent_reference: ConsentReference | None = Field(None, repr=False)


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
    duplicate_threshold: Annotated[
        float | None,
        Field(
            description="From which cosine on somebody is a duplicate; it rises with the number of "
            "people, as far as the model was calibrated. Null where nobody was compared."
        ),
    ]
    warnings: list[WarningAnswer]
    liveness: Liveness
    enrolled_at: datetime


@router.post(
    "/enroll",
    status_code=CREATED,
    responses={
        **_ANSWER,
        **refusals(
            SubjectExists, DuplicateSubject, SubjectMismatch, IdempotencyConflict, ClocksDisagree
        ),
    },
    response_model=EnrollAnswer,
    openapi_extra=face_body(EnrollBody, subjectId="user-1", collection="default", mode="create"),
)
def enroll(
    caller: EnrollCaller,
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    request: Request,
    asked: Annotated[FaceRequest[EnrollBody], Depends(face_request_of(EnrollBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Enroll a person, unless somebody enrolled already looks the same."""
    body = asked.body
    enrollment = EnrollRequest(
        subject_id=body.subject_id,
        source=asked.source,
        collection=body.collection,
        caller=caller,
        mode=body.mode,
        on_duplicate=body.on_duplicate,
        profile=body.profile,
        metadata=body.metadata,
        idempotency_key=idempotency_key,
        expires_at=body.expires_at,
        consent_reference=body.consent_reference,
        faces=body.faces,
    )
    enrolled = use_cases.enroll(enrollment)
    expected = enrolled.expected_false_candidates
    request.state.expected_false_candidates = expected  # counted with the call, at its end
    answer = enroll_answer(enrolled, language, caller, settings.reply_similarity)
    return json_response(answer, CREATED)


def enroll_answer(
    enrolled: Enrolled,
    language: Language,
    caller: Caller = LOCAL_USER,
    configured: SimilarityDetail = SimilarityDetail.EXACT,
) -> EnrollAnswer:
    """Duplicates are named to callers who may search. `configured`: as for `detail_for`."""
    detail, with_ids = detail_for(caller, configured), caller.may(Scope.SEARCH)
    return EnrollAnswer(
        subject_id=enrolled.subject_id,
        collection=enrolled.collection,
        template_id=enrolled.template_id,
        model_id=enrolled.model_id,
        images_used=enrolled.images_used,
        images=image_outcomes(enrolled.samples, language),
        duplicates=[
            Duplicate(subject_id=one.subject_id if with_ids else None, similarity=similarity)
            for one, similarity in shown_candidates(enrolled.duplicates, detail)
        ],
        duplicate_threshold=enrolled.duplicate_threshold,
        warnings=warning_answers(enrolled.warnings, language),
        liveness=liveness_answer(enrolled.liveness, language),
        enrolled_at=enrolled.enrolled_at,
    )
