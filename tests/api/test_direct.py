"""Routes that FastAPI documents and does not run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import Depends, Query, Response
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.types import Message

from service.api.app import create_app
from service.api.direct import Direct
from tests.api.in_process import SETTINGS, Untold, calling


def direct_paths() -> set[str]:
    app = create_app(calling().app.state.services, SETTINGS, Untold())
    contexts = iter_route_contexts(app.routes)
    return {str(one.path) for one in contexts if isinstance(one.original_route, Direct)}


def test_calls_that_come_most_often_are_direct() -> None:
    assert direct_paths() == {"/verify", "/dedupe", "/identify"}


@pytest.mark.parametrize("path", sorted(direct_paths()))
def test_another_method_is_refused_and_told_which_is_right(path: str) -> None:
    answer = calling().request("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/verify/", "/verify/x", "/Verify"])
def test_another_path_is_not_found(path: str) -> None:
    assert calling().request("POST", path).status_code in (307, 404)


async def first(request: Request) -> str:
    request.state.met = "1"
    return "a"


async def second(request: Request) -> str:
    return f"b after {request.state.met}"


async def page(limit: Annotated[int, Query()]) -> int:
    return limit


def of_two(one: Annotated[str, Depends(first)], two: Annotated[str, Depends(second)]) -> Response:
    return Response(f"{one}, {two}")


def of_a_parameter(limit: Annotated[int, Query()]) -> Response:
    return Response(str(limit))


def of_a_dependency_with_one(limit: Annotated[int, Depends(page)]) -> Response:
    return Response(str(limit))


def test_dependencies_are_met_in_the_order_of_the_signature() -> None:
    assert _called(Direct("/x", of_two, methods=["POST"])) == b"a, b after 1"


@pytest.mark.parametrize("route", [of_a_parameter, of_a_dependency_with_one])
def test_parameters_are_not_for_it(route: Callable[..., Response]) -> None:
    with pytest.raises(TypeError, match="FastAPI's to read"):
        Direct("/x", route, methods=["POST"])


def _called(route: Direct) -> bytes:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/x", "headers": []}
    asyncio.run(route.handle(scope, nothing, send))
    body: bytes = sent[-1]["body"]
    return body
