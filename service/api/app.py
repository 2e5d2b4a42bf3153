"""The HTTP application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from service.api import problems
from service.api.openapi import with_shapes
from service.api.requests import BodyLimit, RequestContext
from service.api.routes import audit, collections, enroll, health, search, subjects, token, verify
from service.api.settings import ApiSettings
from service.usecases.services import Services

DESCRIPTION = """
Face enrollment, verification and duplicate check.

Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Every answer carries
`X-Request-Id`; every error is a problem document (RFC 9457) with a stable `code`.
"""


class Application(FastAPI):
    """FastAPI with our own bodies in its documentation."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = with_shapes(super().openapi())
        return self.openapi_schema


def create_app(services: Services, settings: ApiSettings) -> FastAPI:
    """The application over ready use cases."""
    app = Application(
        title="Face enrollment and verification",
        description=DESCRIPTION,
        version=settings.version,
    )
    app.state.services = services
    app.state.settings = settings
    for resource in (token, enroll, verify, search, subjects, collections, audit, health):
        app.include_router(resource.router)
    problems.install(app)
    # Added last, runs first: the request's id is there before its size is judged.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestContext)
    return app
