"""From an error to an answer: RFC 9457 problem documents. The only table of HTTP statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from service.api.auth import language_of
from service.api.field_problems import invalid_request
from service.api.models import image_outcomes, liveness_answer
from service.domain.callers import Caller, Scope
from service.domain.decision import detail_for, shown_candidates
from service.domain.errors import (
    CameraUnavailable,
    ClocksDisagree,
    Conflict,
    DatabaseUnavailable,
    DuplicateSubject,
    FaceError,
    ImageTooLarge,
    InvalidRequest,
    KeyServiceUnavailable,
    LivenessExpired,
    LivenessFailed,
    LivenessRequired,
    NotAllowed,
    NotFound,
    OperationFailed,
    Overloaded,
    RateLimited,
    TooManyImages,
    UnacceptableImages,
    Unauthenticated,
    Unavailable,
    UnsupportedImage,
    UnusableSamples,
)
from service.texts import Language, field_problem_text, keyless_call_text, message
from service.usecases.audit_recorder import AuditedCall

PROBLEM = "application/problem+json"

ERRORS = "/docs/errors"
"""The page with a section for each code. `type` is its whole path, the proxy's prefix included, as
RFC 9457 (3.1.1) advises for references without a host.
"""


class AddressNotFound(NotFound):
    """No route has this path."""

    code = "not_found"


class MethodNotAllowed(FaceError):
    """The path has a route, but not for this method."""

    code = "method_not_allowed"


_STATUSES: Mapping[type[FaceError], int] = {
    InvalidRequest: 400,
    Unauthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    LivenessExpired: 410,
    ImageTooLarge: 413,
    TooManyImages: 413,
    UnsupportedImage: 415,
    UnusableSamples: 422,
    LivenessFailed: 422,
    LivenessRequired: 422,
    RateLimited: 429,
    Overloaded: 503,
    DatabaseUnavailable: 503,
    ClocksDisagree: 503,
    CameraUnavailable: 503,
    KeyServiceUnavailable: 503,
    OperationFailed: 503,
}


def status_of(kind: type[FaceError]) -> int:
    """The status of the nearest ancestor in the table; 500 for what is not in it."""
    return next((_STATUSES[one] for one in kind.__mro__ if one in _STATUSES), 500)


def kinds_by_code(root: type[FaceError] = FaceError) -> dict[str, type[FaceError]]:
    """Every error of the service that names itself, by its code."""
    kinds = {root.code: root} if "code" in vars(root) else {}
    for child in root.__subclasses__():
        if child.__module__.startswith("service."):
            kinds |= kinds_by_code(child)
    return kinds


def problem(request: Request, error: FaceError) -> JSONResponse:
    """The answer to a call that ended in `error`."""
    request.state.code = error.code  # for the log and the metrics
    if isinstance(error, DuplicateSubject):
        request.state.expected_false_candidates = error.expected_false_candidates
    language = language_of(request)
    words = message(language, error)
    document: dict[str, Any] = {
        "type": f"{request.scope.get('root_path', '')}{ERRORS}#{error.code}",
        "title": words.title,
        "status": status_of(type(error)),
        "detail": words.detail,
        "code": error.code,
        "requestId": request.state.request_id,
    }
    if particulars := _particulars(request, error, language):
        document["errors"] = particulars
    if isinstance(error, LivenessFailed) and error.judgment is not None:
        found = liveness_answer(error.judgment, language)
        document["liveness"] = found and found.model_dump(by_alias=True)
    return JSONResponse(document, document["status"], headers=_headers(error), media_type=PROBLEM)


def _headers(error: FaceError) -> dict[str, str]:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, OperationFailed):
        return {"Retry-After": str(Unavailable.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}


def _particulars(
    request: Request, error: FaceError, language: Language
) -> Sequence[Mapping[str, Any]]:
    if isinstance(error, UnusableSamples | UnacceptableImages):
        outcomes = image_outcomes(error.samples, language)
        return [one.model_dump(by_alias=True) for one in outcomes if not one.accepted]
    if isinstance(error, DuplicateSubject):
        return _candidates(request, error)
    if isinstance(error, Unauthenticated) and error.shut:
        shut = error.shut
        why = keyless_call_text(language, shut)
        return [{"cause": shut.cause, "what": shut.what, "message": why}]
    if isinstance(error, InvalidRequest):
        return [
            {
                "field": each["field"],
                "problem": each["problem"],
                "message": field_problem_text(language, each),
            }
            for each in error.particulars
        ]
    return error.particulars


def _candidates(request: Request, error: DuplicateSubject) -> list[Mapping[str, Any]]:
    """Whose face it is, is told only to callers who may search; to others, that there is one."""
    caller: Caller = request.state.caller
    detail = detail_for(caller, request.app.state.settings.reply_similarity)
    shown = shown_candidates(error.candidates, detail)
    if not caller.may(Scope.SEARCH):
        return [{"similarity": similarity} for _, similarity in shown]
    return [{"subjectId": one.subject_id, "similarity": similarity} for one, similarity in shown]


def _written_down(request: Request, error: NotAllowed) -> FaceError:
    """What to answer to `error`. A call that is not allowed goes into the audit log, by method and
    route, where it is known who made it; if that fails, the failure is the answer.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        return error
    called = f"{request.method} {request.scope['route'].path}"
    collection = error.values.get("collection")
    call = AuditedCall(caller.name, called, str(collection) if collection else None)
    try:
        request.app.state.use_cases.audit_recorder.record_refusal(call, error)
    except FaceError as failure:
        return failure
    return error


def install(app: FastAPI) -> None:
    """Every failure of `app` is answered with a problem document."""

    @app.exception_handler(FaceError)
    async def on_face_error(request: Request, error: FaceError) -> JSONResponse:
        if isinstance(error, NotAllowed):
            error = await run_in_threadpool(_written_down, request, error)
        return problem(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(request, invalid_request(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> JSONResponse:
        known: dict[int, FaceError] = {404: AddressNotFound(), 405: MethodNotAllowed()}
        answer = problem(request, known.get(error.status_code, InvalidRequest()))
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
        return answer


def _methods(request: Request) -> set[str]:
    """All that the address answers, of which each route knows its own."""
    address = request.scope["route"].path
    routes = iter_route_contexts(request.app.routes)
    methods = {method for one in routes if one.path == address for method in one.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods
