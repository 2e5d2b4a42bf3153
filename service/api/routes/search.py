"""Did this person sign up already, and who is this?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from service.api.auth import SearchCaller
from service.api.dependencies import AllUseCases, Counted, Settings
from service.api.openapi import PROBLEMS, example, face_body
from service.api.request_body import body_of
from service.api.request_models import SearchBody
from service.api.response_models import DedupeAnswer, IdentifyAnswer
from service.api.responses import dedupe_answer, identify_answer, sent
from service.domain.callers import Caller
from service.domain.decision import detail_for
from service.telemetry.metrics import Metrics
from service.usecases.identify import SearchRequest, SearchResult
from service.usecases.use_cases import UseCases

router = APIRouter(tags=["search"], responses=PROBLEMS)

_FOUND = {
    "candidates": [{"subjectId": "user-1", "similarity": 0.71, "band": "very_high"}],
    "threshold": 0.4,
    "profile": "balanced",
    "searched": 1200,
    "exact": True,
}
_BODY = face_body(SearchBody, collection="default", limit=10)

Body = Annotated[SearchBody, Depends(body_of(SearchBody))]


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
    body: Body,
) -> Response:
    """Is this face enrolled, under whatever name? Every template is compared."""
    result = _search(caller, use_cases, settings, metrics, body)
    return sent(dedupe_answer(result, detail_for(caller, settings.reply_similarity)))


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
    body: Body,
) -> Response:
    """Whose face is this? Every template is compared."""
    result = _search(caller, use_cases, settings, metrics, body)
    return sent(identify_answer(result, detail_for(caller, settings.reply_similarity)))


def _search(
    caller: Caller, use_cases: UseCases, settings: Settings, metrics: Metrics, body: SearchBody
) -> SearchResult:
    source = body.source(settings.max_frames, settings.max_images)
    request = SearchRequest(source, body.collection, caller, body.profile, body.limit)
    result = use_cases.identify(request)
    metrics.searched(result.candidates[0].who.similarity if result.candidates else None)
    return result
