"""Is this the person they say they are?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.api.auth import AllUseCases, CallersLanguage, Settings, VerifyCaller
from service.api.models import (
    Camel,
    FaceBody,
    ImageOutcome,
    Liveness,
    Similarity,
    SubjectId,
    WarningAnswer,
    image_outcomes,
    json_response,
    liveness_answer,
    warning_answers,
)
from service.api.openapi import IMAGE_EXAMPLE, PROBLEMS, example, face_body, refusals
from service.api.request_body import FaceRequest, face_request_of
from service.domain.callers import LOCAL_USER, Caller
from service.domain.decision import Recommendation, SimilarityDetail, detail_for, shown_similarity
from service.domain.errors import SubjectLocked
from service.domain.thresholds import Band
from service.texts import Language
from service.usecases.verify import Verification, VerifyRequest

router = APIRouter(tags=["verification"], responses=PROBLEMS)

_ANSWER = example(
    {
        "subjectId": "user-1",
        "match": True,
        "similarity": 0.71,
        "threshold": 0.4,
        "profile": "balanced",
        "band": "very_high",
        "recommendation": "allow",
        "modelId": "buffalo_l@sha256:4c06...",
        "images": [IMAGE_EXAMPLE],
        "warnings": [],
        "liveness": None,
    }
)


class VerifyBody(FaceBody):
    subject_id: SubjectId


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
    warnings: list[WarningAnswer]
    liveness: Liveness


@router.post(
    "/verify",
    responses={**_ANSWER, **refusals(SubjectLocked)},
    response_model=VerifyAnswer,
    openapi_extra=face_body(
        VerifyBody, subjectId="user-1", collection="default", profile="balanced"
    ),
)
def verify(
    caller: VerifyCaller,  # named first: see body_of
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    request: Request,
    asked: Annotated[FaceRequest[VerifyBody], Depends(face_request_of(VerifyBody))],
) -> Response:
    """Compare a face with one enrolled person. A "no" is an answer, not an error."""
    body = asked.body
    verification = use_cases.verify(
        VerifyRequest(
            body.subject_id, asked.source, body.collection, caller, body.profile, body.faces
        )
    )
    request.state.decision = verification.decision  # counted with the call, at its end
    return json_response(verify_answer(verification, language, caller, settings.reply_similarity))


def verify_answer(
    result: Verification,
    language: Language,
    caller: Caller = LOCAL_USER,
    configured: SimilarityDetail = SimilarityDetail.EXACT,
) -> VerifyAnswer:
    """`configured`: as for `detail_for`."""
    detail = detail_for(caller, configured)
    decision, warnings = result.decision, result.decision.profile.warnings
    return VerifyAnswer(
        subject_id=result.subject_id,
        match=decision.match,
        similarity=shown_similarity(decision.similarity, detail),
        threshold=decision.profile.threshold,
        profile=decision.profile.name,
        band=decision.band,
        recommendation=decision.recommendation,
        model_id=result.model_id,
        images=image_outcomes(result.samples, language),
        warnings=warning_answers(warnings, language),
        liveness=liveness_answer(result.liveness, language),
    )
