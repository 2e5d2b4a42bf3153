"""Did this person sign up already, and who is this?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from service.api.auth import AllUseCases, CallersLanguage, Counted, SearchCaller, Settings
from service.api.models import (
    WHOLE,
    Between,
    Camel,
    FaceBody,
    ImageOutcome,
    Liveness,
    Similarity,
    WarningAnswer,
    image_outcomes,
    json_response,
    liveness_answer,
    warning_answers,
)
from service.api.openapi import IMAGE_EXAMPLE, PROBLEMS, example, face_body
from service.api.request_body import FaceRequest, face_request_of
from service.domain.callers import LOCAL_USER, Caller
from service.domain.decision import SimilarityDetail, detail_for, shown_candidates
from service.domain.thresholds import Band
from service.telemetry.metrics import Metrics
from service.texts import Language
from service.usecases.identify import (
    DEFAULT_CANDIDATES,
    MOST_CANDIDATES,
    SearchRequest,
    SearchResult,
)
from service.usecases.use_cases import UseCases

router = APIRouter(tags=["search"], responses=PROBLEMS)


class SearchBody(FaceBody):
    limit: Annotated[int, Between(1, MOST_CANDIDATES), WHOLE] = DEFAULT_CANDIDATES


class CandidateAnswer(Camel):
    subject_id: str
    similarity: Similarity
    band: Band


class SearchAnswer(Camel):
    candidates: list[CandidateAnswer]
    threshold: Annotated[
        float,
        Field(
            description="The profile's, or a higher one, by which the search keeps to the "
            "collection's `maxFalseCandidates`, as far as the model was calibrated."
        ),
    ]
    profile: str
    searched: int
    images: list[ImageOutcome]
    exact: bool
    expected_false_candidates: Annotated[
        float | None,
        Field(
            description="Strangers that one search names on average at this size; null where "
            "no error rate was measured."
        ),
    ]
    warnings: list[WarningAnswer]
    liveness: Liveness


class DedupeAnswer(SearchAnswer):
    duplicate: bool


class IdentifyAnswer(SearchAnswer):
    match: bool


_FOUND = {
    "candidates": [{"subjectId": "user-1", "similarity": 0.71, "band": "very_high"}],
    "threshold": 0.4,
    "profile": "balanced",
    "searched": 1200,
    "images": [IMAGE_EXAMPLE],
    "exact": True,
    "expectedFalseCandidates": 0.0012,
    "warnings": [],
    "liveness": None,
}
_BODY = face_body(SearchBody, collection="default", limit=10)

Asked = Annotated[FaceRequest[SearchBody], Depends(face_request_of(SearchBody))]


@router.post(
    "/dedupe",
    responses=example({"duplicate": True, **_FOUND}),
    response_model=DedupeAnswer,
    openapi_extra=_BODY,
)
def dedupe(
    caller: SearchCaller,  # named first: see body_of
    use_cases: AllUseCases,
    settings: Settings,
    metrics: Counted,
    language: CallersLanguage,
    request: Request,
    asked: Asked,
) -> Response:
    """Is this face enrolled, under whatever name? Every template is compared."""
    result = _search(caller, use_cases, metrics, request, asked)
    return json_response(dedupe_answer(result, language, caller, settings.reply_similarity))


@router.post(
    "/identify",
    responses=example({"match": True, **_FOUND}),
    response_model=IdentifyAnswer,
    openapi_extra=_BODY,
)
def identify(
    caller: SearchCaller,  # named first: see body_of
    use_cases: AllUseCases,
    settings: Settings,
    metrics: Counted,
    language: CallersLanguage,
    request: Request,
    asked: Asked,
) -> Response:
    """Whose face is this? Every template is compared."""
    result = _search(caller, use_cases, metrics, request, asked)
    return json_response(identify_answer(result, language, caller, settings.reply_similarity))


def _search(
    caller: Caller,
    use_cases: UseCases,
    metrics: Metrics,
    request: Request,
    asked: FaceRequest[SearchBody],
) -> SearchResult:
    body = asked.body
    search = SearchRequest(
        asked.source, body.collection, caller, body.profile, body.limit, body.faces
    )
    result = use_cases.identify(search)
    expected = result.search.expected_false_candidates
    request.state.expected_false_candidates = expected  # counted with the call, at its end
    metrics.searched(result.candidates[0].who.similarity if result.candidates else None)
    return result


def dedupe_answer(
    result: SearchResult,
    language: Language,
    caller: Caller = LOCAL_USER,
    configured: SimilarityDetail = SimilarityDetail.EXACT,
) -> DedupeAnswer:
    """`configured`: as for `detail_for`."""
    detail = detail_for(caller, configured)
    return DedupeAnswer(duplicate=result.found, **_shared_fields(result, language, detail))


def identify_answer(
    result: SearchResult,
    language: Language,
    caller: Caller = LOCAL_USER,
    configured: SimilarityDetail = SimilarityDetail.EXACT,
) -> IdentifyAnswer:
    """`configured`: as for `detail_for`."""
    detail = detail_for(caller, configured)
    return IdentifyAnswer(match=result.found, **_shared_fields(result, language, detail))


def _shared_fields(
    result: SearchResult, language: Language, detail: SimilarityDetail
) -> dict[str, Any]:
    bands = {each.who: each.band for each in result.candidates}
    shown = shown_candidates((each.who for each in result.candidates), detail)
    shown.sort(key=lambda each: list(Band).index(bands[each[0]]))  # where that alone is shown
    return {
        "candidates": [
            CandidateAnswer(subject_id=one.subject_id, similarity=similarity, band=bands[one])
            for one, similarity in shown
        ],
        "threshold": result.search.threshold,
        "profile": result.search.profile.name,
        "searched": result.searched,
        "images": image_outcomes(result.samples, language),
        "exact": True,
        "expected_false_candidates": result.search.expected_false_candidates,
        "warnings": warning_answers(result.search.warnings, language),
        "liveness": liveness_answer(result.liveness, language),
    }
