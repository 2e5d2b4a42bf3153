"""The layers that every call goes through, from the outermost to the innermost.

`RequestContext` gives it an id, a log line and the headers of every answer, and is the last net;
`Deadlines` tells its connection what it waits for; `StrictSyntax` refuses what another program may
read otherwise; `CORSMiddleware` tells browsers which pages elsewhere may call; `PageLimit` bounds the open pages; `HeadAsGet`
answers HEAD.
"""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Iterable
from typing import TypeAlias
from uuid import uuid4

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.concurrency import ConcurrencyLimit, address_of
from service.api.connections import Connections
from service.api.problems import problem
from service.api.protocol import CallConnection, connection_of, sent
from service.domain.audit import REQUEST_ID
from service.domain.errors import FaceError, FieldProblem, InvalidRequest, Overloaded
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)
access_log = logging.getLogger("service.access")

REQUEST_ID_HEADER = "X-Request-Id"
_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word is the caller's own, and is not repeated."""

NO_ROUTE = "(no route)"

PAGES = ("/docs", "/redoc", "/openapi.json", "/pages/", "/kiosk", "/console")

_VERSIONS = frozenset({"1.0", "1.1"})
_AUTHORITY = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]{0,5})?", re.ASCII
)

Raw: TypeAlias = list[tuple[bytes, bytes]]
"""As ASGI has them: names in small letters."""

HSTS_SECONDS = 365 * 24 * 60 * 60
"""How long a browser that saw TLS here refuses plain HTTP. Other hosts of the domain are not ours."""

NOTHING_ACTIVE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are data: nothing in them is loaded, run, framed or submitted."""

_DEFAULTS: Raw = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", NOTHING_ACTIVE.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]

_TLS_ONLY = (b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode())


CORS_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CORS_HEADERS = ("Authorization", "X-API-Key", "Idempotency-Key", REQUEST_ID_HEADER)
"""What pages elsewhere may send, beside what every page may."""

CORS_EXPOSED = (REQUEST_ID_HEADER, "Retry-After")


def add_middleware(app: FastAPI, metrics: Metrics) -> None:
    """From the innermost to the outermost: what is refused on the way has a request's id already."""
    app.add_middleware(HeadAsGet)
    app.add_middleware(PageLimit, limit=app.state.concurrency.pages)
    if origins := app.state.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_HEADERS,
            expose_headers=CORS_EXPOSED,
        )  # without credentials: a browser brings no key of its own
    app.add_middleware(StrictSyntax)
    app.add_middleware(Deadlines, connections=app.state.connections)
    app.add_middleware(RequestContext, metrics=metrics)


class RequestContext:
    """Gives each request an id and a log line, and answers what nobody caught.

    The id is in every line that is written on the way, in whatever thread. The log has the route's
    pattern, never the path: a path may hold a subject's id. Of an unexpected exception it has the
    type and the frames, never the message: the database's own messages quote rows.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.request_id = _request_id(request)
        await self._answer(request, send)

    async def _answer(self, request: Request, send: Send) -> None:
        scope, receive = request.scope, request.receive
        outgoing = _Outgoing(send, request.state.request_id, over_tls=scope["scheme"] == "https")
        started = time.perf_counter()
        before = REQUEST_ID.set(request.state.request_id)
        try:
            await self._app(scope, receive, outgoing.send)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:  # the last net: a caller never sees a traceback
            _log_unexpected(error)
            if outgoing.status is None:
                await problem(request, FaceError())(scope, receive, outgoing.send)
        finally:
            tell(self._metrics, request, outgoing.status, time.perf_counter() - started)
            REQUEST_ID.reset(before)


def tell(metrics: Metrics, request: Request, status: int | None, seconds: float) -> None:
    """The metrics and the access log of a call that is over."""
    method = request.method if request.method in _METHODS else "?"
    route = getattr(request.scope.get("route"), "path", NO_ROUTE)
    code = getattr(request.state, "code", None)
    caller = getattr(request.state, "caller", None)
    metrics.answered(method, route, status, code, seconds)
    if decision := getattr(request.state, "decision", None):
        metrics.decided(decision)
    fields: dict[str, object] = {
        "method": method,
        "route": route,
        "status": status,
        "outcome": code or ("ok" if status else "caller_gone"),
        "milliseconds": round(seconds * 1000, 1),
        "caller": caller.name if caller else None,
    }
    if (expected := getattr(request.state, "expected_false_candidates", None)) is not None:
        metrics.expects_false_candidates(expected)
        fields["expected_false_candidates"] = expected
    access_log.info("request", extra=fields)


class _Outgoing:
    """The way back: notes the status and adds the headers that every answer has."""

    def __init__(self, send: Send, request_id: str, *, over_tls: bool) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self._over_tls = over_tls
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = (*message.get("headers", ()), (_REQUEST_ID, self._request_id))
            message["headers"] = secured(own, over_tls=self._over_tls)
        await self._send(message)


def _request_id(request: Request) -> str:
    """The caller's own id where it is harmless, so that logs of both sides can be joined."""
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex


def _log_unexpected(error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    fields = {
        "exception": type(error).__name__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    logger.error("unexpected exception", extra=fields)


def secured(headers: Iterable[tuple[bytes, bytes]], *, over_tls: bool) -> Raw:
    """`headers`, and what they have not said for themselves."""
    whole = list(headers)
    said = {name for name, _ in whole}
    whole += [default for default in _DEFAULTS if default[0] not in said]
    if over_tls:
        whole.append(_TLS_ONLY)
    return whole


class Deadlines:
    """A call lasts for its connection from its head to the end of its answer."""

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = connection_of(scope)
        if call is None:
            await self._app(scope, receive, send)
            return
        body = _Body(call, has_body=_has_body(Headers(scope=scope)))
        self._connections.call_begins(call.connection)
        try:
            await self._app(scope, body.receiving(receive), send)
        finally:
            self._connections.call_ends(call.connection)
            call.transport.let_go()


def _has_body(headers: Headers) -> bool:
    """RFC 9112, 6.3: a request without these two has none."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class _Body:
    """How the body of one call comes in."""

    def __init__(self, call: CallConnection, *, has_body: bool) -> None:
        self._call = call
        self._is_over = not has_body
        call.transport.is_body_coming = has_body
        if self._is_over:
            call.transport.hold(at_once=not call.transport.is_wanted)

    def receiving(self, receive: Receive) -> Receive:
        async def received() -> Message:
            return await receive() if self._is_over else await self._next(receive)

        return received

    async def _next(self, receive: Receive) -> Message:
        connection, transport = self._call.connection, self._call.transport
        lies_here = not transport.is_wanted
        connection.waits_for_body()
        message = await receive()
        connection.got_body(len(message.get("body", b"")))
        if not message.get("more_body", False):
            self._is_over = True
            transport.is_body_coming = False
            transport.hold(at_once=lies_here)
        return message


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


class PageLimit:
    """A layer that gives the open pages places of their own, apart from those of calls."""

    def __init__(self, app: ASGIApp, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_page(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        scope["headers"] = _asked_whole(scope["headers"])
        try:
            with self._limit.place(address_of(request)):
                await self._app(scope, receive, send)
                await sent(scope)
        except Overloaded as error:
            await problem(request, error)(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """By the path as routes know it, without the prefix of a proxy that uvicorn has put before it."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path == "/" or path.startswith(PAGES)


def _asked_whole(headers: Iterable[tuple[bytes, bytes]]) -> Raw:
    """Without `Range`, which a server may pass over (RFC 9110, 14.2): a hundred pieces of a small file cost ten
    times as much as the file, and Starlette refuses wrong ranges in plain text.
    """
    return [each for each in headers if each[0] != b"range"]


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
