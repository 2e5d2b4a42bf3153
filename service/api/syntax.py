"""What HTTP/1.1 forbids and the parser, h11, lets pass; and HEAD, which is a GET without its body."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import problem
from service.domain.errors import InvalidRequest
from service.domain.field_problem import FieldProblem

_VERSIONS = frozenset({"1.0", "1.1"})
_AUTHORITY = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]{0,5})?", re.ASCII
)


class StrictSyntax:
    """Refuses requests that another program on the way may have read in another way: what is the
    end of a body for one of them is the start of a request for the other (RFC 9112, 11.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        flaw = _flaw(scope) if scope["type"] == "http" else None
        if flaw is None:
            await self._app(scope, receive, send)
            return
        error = InvalidRequest([{"field": flaw, "problem": FieldProblem.INVALID}])
        answer = problem(Request(scope), error)
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)


def _flaw(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    if scope["http_version"] not in _VERSIONS:
        return "HTTP"
    if "transfer-encoding" in headers and (
        "content-length" in headers or scope["http_version"] == "1.0"
    ):
        return "Transfer-Encoding"
    return None if _AUTHORITY.fullmatch(headers.get("host", "")) else "Host"


class HeadAsGet:
    """Each address that answers GET answers HEAD as well (RFC 9110, 9.1), where FastAPI routes none.

    The server leaves the body out: it still knows what was asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, send)
        finally:
            scope["route"] = asked.get("route")  # the log's line of the call names it
