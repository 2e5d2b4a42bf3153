"""Routes that answer without FastAPI's own way from a request to a function.

FastAPI documents them by their signatures as all others. For a call it would make three stacks of
what is to be closed later, look up each dependency in a cache, and validate parameters that these
routes have not. They have only dependencies that read the request, and the function itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.caller import CallerWith

Step = Callable[[Request], Awaitable[Any]]


class Direct(APIRoute):
    """Each dependency is awaited in the order of the signature: the caller first, the body after.

    The function then runs in a thread of asyncio's own pool, which is a quarter cheaper
    than one of anyio's. Raises `TypeError` for a route with anything else.
    """

    def __init__(self, path: str, endpoint: Callable[..., Response], **options: Any) -> None:  # noqa: ANN401
        super().__init__(path, endpoint, **options)
        self._steps = tuple(_steps(self.dependant))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = self.methods or set()
        if scope["method"] not in methods:
            raise HTTPException(405, headers={"Allow": ", ".join(methods)})
        request = Request(scope, receive, send)
        values = {name: await step(request) for name, step in self._steps}
        answer: Response = await asyncio.to_thread(self.endpoint, **values)
        await answer(scope, receive, send)


class DirectRoutes:
    """Leads to them by their path alone, where FastAPI would ask each router in turn."""

    def __init__(self, others: ASGIApp, routes: Iterable[Direct]) -> None:
        self._others = others
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._others(scope, receive, send)
            return
        scope["route"] = route
        await route.handle(scope, receive, send)


def _steps(route: Dependant) -> Iterator[tuple[str, Step]]:
    _require_no_parameters(route)
    for needed in route.dependencies:
        if needed.name is None or needed.call is None:
            raise TypeError(f"{route.path}: a dependency without a name")
        if isinstance(needed.call, CallerWith):
            yield needed.name, needed.call.of
        else:
            _require_no_parameters(needed)
            yield needed.name, needed.call


def _require_no_parameters(function: Dependant) -> None:
    parameters = (
        function.path_params,
        function.query_params,
        function.header_params,
        function.cookie_params,
        function.body_params,
    )
    if any(parameters):
        raise TypeError(f"{function.path or function.call}: parameters are FastAPI's to read")
