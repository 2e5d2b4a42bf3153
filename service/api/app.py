"""The HTTP application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import iter_route_contexts
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from service.api import problems
from service.api.admission import MOST_CALLS, CallLimit
from service.api.direct import Direct, DirectRoutes
from service.api.openapi import completed
from service.api.recurring import Recurring, lifespan
from service.api.requests import BodyLimit, RequestContext
from service.api.routes import (
    audit,
    collections,
    documentation,
    enroll,
    health,
    metrics,
    search,
    subjects,
    token,
    verify,
)
from service.api.settings import ApiSettings
from service.api.sweep import following, sweeping
from service.api.telemetry import Telemetry
from service.usecases.services import Services

DESCRIPTION = """
Face enrollment, verification and duplicate check.

Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Every answer carries
`X-Request-Id`; every error is a problem document (RFC 9457) with a stable `code`.
"""


class Application(FastAPI):
    """FastAPI with our own bodies in its documentation, and only our own layers around its routes.

    Left out of its own: one that answers what nobody caught, which `RequestContext` does, a limit
    of bodies, which `BodyLimit` is, and spans that nobody collects.
    """

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """From the innermost: a request's id is there before its size is judged."""
        known = [context.original_route for context in iter_route_contexts(self.routes)]
        direct = [route for route in known if isinstance(route, Direct)]
        routed = DirectRoutes(AsyncExitStackMiddleware(self.router), direct)
        answered = ExceptionMiddleware(routed, self.exception_handlers)
        sized = BodyLimit(answered, self.state.settings.max_body_bytes)
        admitted = CallLimit(sized, MOST_CALLS)
        return RequestContext(admitted, self.state.telemetry)


def create_app(services: Services, settings: ApiSettings, telemetry: Telemetry) -> FastAPI:
    """The application over ready use cases. `telemetry`: told of every call."""
    app = Application(
        title=documentation.TITLE,
        description=DESCRIPTION,
        version=settings.version,
        docs_url=None,  # FastAPI's own two pages load their scripts from a CDN
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would quote bodies
        lifespan=lifespan(lambda: _tasks(services, settings)),
    )
    app.state.services = services
    app.state.settings = settings
    app.state.telemetry = telemetry
    resources = (token, enroll, verify, search, subjects, collections, audit, health)
    for resource in (*resources, metrics, documentation):
        app.include_router(resource.router)
    problems.install(app)
    return app


def _tasks(services: Services, settings: ApiSettings) -> list[Recurring]:
    tasks = [sweeping(services.purge, settings.purge_interval)]
    if services.keep_index is not None:
        tasks.append(following(services.keep_index))
    return tasks
