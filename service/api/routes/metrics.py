"""Numbers for Prometheus: of the service, of no person."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.auth import MetricsCaller
from service.api.openapi import PROBLEMS
from service.telemetry.exposition import CONTENT_TYPE

router = APIRouter(tags=["health"], responses=PROBLEMS)

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"example": "face_engine_calls 0.0\n"}}}
}


@router.get("/metrics", response_class=Response, responses={**PROBLEMS, **_TEXT})
def metrics(caller: MetricsCaller, request: Request) -> Response:  # noqa: ARG001 - a key is needed
    """Latencies, decisions, queues and versions, as Prometheus text."""
    return Response(request.app.state.exposition(), media_type=CONTENT_TYPE)
