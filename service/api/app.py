"""The HTTP application."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from fastapi import Depends, FastAPI

from service.api import document, error_page, problems, swagger
from service.api.auth import accept_language, require_known_query
from service.api.background import TimelyReadiness, background_tasks, lifespan
from service.api.concurrency import Concurrency
from service.api.connections import Connections
from service.api.middleware import add_middleware
from service.api.open_door import OpenDoor
from service.api.pages import add_pages
from service.api.rate_limits import RateLimits
from service.api.routes import (
    api_keys,
    audit,
    check,
    collections,
    duplicates,
    enroll,
    health,
    liveness,
    search,
    subject_changes,
    subjects,
    token,
    verify,
)
from service.api.settings import ApiSettings
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases

DESCRIPTION = """
Face enrollment, verification and duplicate check.

Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Every answer carries
`X-Request-Id`; every error is a problem document (RFC 9457) with a stable `code`.
"""


class Application(FastAPI):
    """FastAPI with a document that is completed once it is generated."""

    completed: dict[str, Any] | None = None

    def openapi(self) -> dict[str, Any]:
        if self.completed is None:
            # FastAPI keeps its own, and two calls may be the first.
            generated = deepcopy(super().openapi())
            self.completed = document.completed(generated, self.state.settings)
        return self.completed


def create_app(
    use_cases: UseCases,
    settings: ApiSettings,
    rate_limits: RateLimits,
    metrics: Metrics,
    exposition: Callable[[], bytes],
) -> FastAPI:
    """The application over ready use cases.

    `metrics`: told of every call. `exposition`: all of them as text, for `GET /metrics`.
    """
    app = Application(
        title=swagger.TITLE,
        description=DESCRIPTION,
        version=settings.version,
        servers=[{"url": settings.root_path or "/"}],
        openapi_url=None,  # FastAPI's own is a route without dependencies: see `swagger`
        docs_url=None,  # FastAPI's own two pages load their scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,  # the address that the caller names in `Host` is nobody's to send on
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would quote bodies
        dependencies=[Depends(require_known_query), Depends(accept_language)],
        generate_unique_id_function=document.operation_id,
        lifespan=lifespan(lambda: background_tasks(use_cases, settings, metrics)),
    )
    app.state.use_cases = use_cases
    app.state.settings = settings
    app.state.rate_limits = rate_limits
    app.state.metrics = metrics
    app.state.exposition = exposition
    app.state.open_door = OpenDoor(settings.open_users)
    app.state.connections = Connections(settings.connections, metrics)
    app.state.concurrency = Concurrency(settings.max_body_bytes)
    app.state.readiness = TimelyReadiness()
    resources = (
        token,
        check,
        liveness,
        enroll,
        verify,
        search,
        subjects,
        duplicates,
        subject_changes,
        collections,
        api_keys,
        audit,
        health,
        swagger,
        error_page,
    )
    for resource in resources:
        app.include_router(resource.router)
    add_pages(app, settings)
    problems.install(app)
    add_middleware(app, metrics)
    return app
