"""Whether the service is alive and ready, open to everybody since load balancers have no keys; and
its numbers for Prometheus, of the service and of no person.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.auth import AllUseCases, MetricsCaller
from service.api.models import Camel
from service.api.openapi import PROBLEMS, example
from service.domain.errors import Unavailable
from service.domain.search import SearchProblem, SearchState
from service.telemetry.metrics import CONTENT_TYPE


class HealthAnswer(Camel):
    status: str


class SearchStateAnswer(Camel):
    """What is held in memory for searches. `behind`: rows that are scanned in the database instead,
    and `problem` why: `loading`, `out_of_memory`, `damaged`.
    """

    rows: int
    bytes: int
    behind: int
    problem: SearchProblem | None


class ReadinessStatus(StrEnum):
    READY = "ready"
    NOT_READY = "not_ready"


class ReadinessAnswer(Camel):
    """`database`: `ready` or the code of what is wrong (`database_not_migrated`, ...). `search`: None
    where every search scans the database. `modelLicense`: of the weights, as an SPDX expression.
    `livenessModels`: empty where liveness sessions go by their challenge alone.
    """

    status: ReadinessStatus
    database: str
    model: str
    model_license: str
    providers_requested: list[str]
    providers_obtained: list[str]
    search: SearchStateAnswer | None = None
    liveness_models: list[str]


router = APIRouter(tags=["health"], responses=PROBLEMS)


@router.get("/healthz", responses=example({"status": "alive"}))
async def healthz() -> HealthAnswer:
    """The process answers."""
    # Asynchronous, so that it waits for none of the threads that other calls may hold.
    return HealthAnswer(status="alive")


@router.get(
    "/readyz",
    responses={
        **example(
            {
                "status": "ready",
                "database": "ready",
                "model": "sface@sha256:0ba9...",
                "modelLicense": "MIT AND Apache-2.0",
                "providersRequested": ["CUDAExecutionProvider", "CPUExecutionProvider"],
                "providersObtained": ["CPUExecutionProvider"],
                "search": {"rows": 1_000_000, "bytes": 156_000_000, "behind": 0, "problem": None},
                "livenessModels": ["MiniFASNetV2", "MiniFASNetV1SE"],
            }
        ),
        503: {"description": "Not ready", "model": ReadinessAnswer},
    },
)
async def readyz(request: Request, use_cases: AllUseCases, response: Response) -> ReadinessAnswer:
    """Model loaded, database reachable and migrated."""
    readiness = await request.app.state.readiness.of(use_cases.readiness)
    if not readiness.ready:
        response.status_code = 503
        response.headers["Retry-After"] = str(Unavailable.retry_after)
    return ReadinessAnswer(
        status=ReadinessStatus.READY if readiness.ready else ReadinessStatus.NOT_READY,
        database=readiness.problem or "ready",
        model=readiness.model_id,
        model_license=readiness.model_license,
        providers_requested=list(readiness.providers_requested),
        providers_obtained=list(readiness.providers_obtained),
        search=_search(readiness.search),
        liveness_models=list(readiness.liveness_models),
    )


def _search(state: SearchState | None) -> SearchStateAnswer | None:
    if state is None:
        return None
    return SearchStateAnswer(
        rows=state.rows, bytes=state.size, behind=state.behind, problem=state.problem
    )


_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"example": "face_engine_calls 0.0\n"}}}
}


@router.get("/metrics", response_class=Response, responses=_TEXT)
def metrics(caller: MetricsCaller, request: Request) -> Response:  # noqa: ARG001 - a key is needed
    """Latencies, decisions, queues and versions, as Prometheus text."""
    return Response(request.app.state.exposition(), media_type=CONTENT_TYPE)
