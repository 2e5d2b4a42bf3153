"""Every route, as the application's own table has it, lets in only who may.

A new route needs nothing here: its calls are made of the examples in its documentation. One that
declares no scope, or checks no collection, fails these tests unless it is listed below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from service.api.app import create_app
from service.api.auth import CallerWith
from service.api.problem_answer import ProblemAnswer
from service.domain.callers import Scope
from service.domain.liveness_session import Purpose
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases
from tests.api.in_process import NO_RATE_LIMITS
from tests.api.installed import SETTINGS, Installed

OPEN_TO_ALL = {
    "/",
    "/healthz",
    "/readyz",
    "/docs",
    "/docs/assets/{name}",
    "/docs/errors",
    "/redoc",
    "/openapi.json",
}
OF_NO_COLLECTION = {"/check", "/token/camera", "/token/directory", "/token/images", "/metrics"}
"""They store nothing and read nothing that is stored; numbers are of the service as a whole."""

OF_THE_CALLERS_SESSION = {"/liveness/sessions/{sessionId}/frames"}
"""Begun by the key itself, in a collection of its own."""

SHOWN_BY_COLLECTION = {"/admin/audit"}
"""Where none is named they show what concerns those that the key may see."""

OF_EVERY_COLLECTION = {"/admin/collections"}
"""They show those that the key is let into."""

CONCERNING_ALL_COLLECTIONS = {"/admin/apikeys", "/admin/apikeys/{name}"}
"""They let in keys that are bound to none."""

REFUSED = (401, 403)

PURPOSES = {purpose.value for purpose in Purpose}
"""Each is the name of the scope that it needs."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    guards: list[CallerWith]
    example: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def call(self, service: Installed, key: str | None = None) -> httpx.Response:
        """As its documentation shows it, in the collection `default`."""
        address = self.path.replace("{collection}", "default")
        address = re.sub(r"\{\w+\}", "user-1", address)
        if self.path in SHOWN_BY_COLLECTION:
            address += "?collection=default"
        return service.call(self.method, address, key, json=self.example)


def _guards(dependant: Dependant | None) -> Iterator[CallerWith]:
    if dependant is None:
        return
    if isinstance(dependant.call, CallerWith):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _guards(inner)


def _example(operation: dict[str, Any]) -> Any:
    """The JSON body that `/docs` shows, of several the one with an embedding, where there is one: it is
    valid as it stands. None where none is shown.
    """
    json = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if shown := json.get("examples"):
        return shown.get("embedding", next(iter(shown.values())))["value"]
    return json.get("example")


def _routes() -> Iterator[Route]:
    app = create_app(cast("UseCases", None), SETTINGS, NO_RATE_LIMITS, Metrics(), bytes)
    shown = app.openapi()["paths"]
    for route in iter_route_contexts(app.routes):
        guards = list(_guards(getattr(route, "dependant", None)))
        for method in sorted(route.methods or ["GET"]):
            operation = shown.get(route.path, {}).get(method.lower(), {})
            yield Route(method, str(route.path), guards, _example(operation))


ROUTES = list(_routes())
GUARDED = [route for route in ROUTES if route.path not in OPEN_TO_ALL]
OF_A_COLLECTION = [
    route
    for route in GUARDED
    if route.path not in OF_NO_COLLECTION | OF_EVERY_COLLECTION | OF_THE_CALLERS_SESSION
]


@pytest.fixture(scope="module")
def key_of_elsewhere(service: Installed) -> str:
    """All scopes, in another collection."""
    return service.key(collections=("elsewhere",))


def _code(answer: httpx.Response) -> tuple[int, str]:
    told = ProblemAnswer.model_validate_json(answer.content)  # as it is documented
    return answer.status_code, told.code


def test_the_table_has_the_routes_of_the_contract() -> None:
    assert {"POST /enroll", "POST /verify", "POST /dedupe"} <= {str(route) for route in ROUTES}
    assert {route.path for route in ROUTES} >= OPEN_TO_ALL | OF_NO_COLLECTION


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_route_declares_its_scopes_once_or_is_open_to_all(route: Route) -> None:
    declared = {guard.scopes for guard in route.guards}
    assert len(declared) == (0 if route.path in OPEN_TO_ALL else 1)
    assert all(declared)


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_route_answers_401_without_a_key(service: Installed, route: Route) -> None:
    assert _code(route.call(service)) == (401, "unauthenticated")


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_route_answers_403_to_a_key_that_lacks_its_scope(service: Installed, route: Route) -> None:
    (scopes,) = {guard.scopes for guard in route.guards}
    key = service.key(*(set(Scope) - set(scopes)))
    assert _code(route.call(service, key)) == (403, "not_allowed")


@pytest.mark.parametrize("route", OF_A_COLLECTION, ids=str)
def test_route_answers_403_to_a_key_of_another_collection(
    service: Installed, key_of_elsewhere: str, route: Route
) -> None:
    assert _code(route.call(service, key_of_elsewhere)) == (403, "not_allowed")


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_route_lets_in_a_key_of_its_scope_and_collection(service: Installed, route: Route) -> None:
    (scopes,) = {guard.scopes for guard in route.guards}
    for scope in scopes:
        bound = () if route.path in CONCERNING_ALL_COLLECTIONS else ("default",)
        key = service.key(scope, Scope.EMBEDDING, collections=bound)  # examples are vectors
        answer = route.call(service, key)
        if scope.value in PURPOSES and route.path == "/liveness/sessions":
            assert (answer.status_code in REFUSED) is (scope.value != route.example["purpose"])
        else:
            assert answer.status_code not in REFUSED
