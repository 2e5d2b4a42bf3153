"""Headers that keep browsers from doing anything with an answer but showing it to who asked.

No Cross-Origin Resource Sharing: keys are for programs, and a page from elsewhere that holds one
must not read answers about faces.

Around every request: its id, its one log line, and the last safety net.
"""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Iterable
from typing import TypeAlias
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem
from service.domain.audit import answering
from service.domain.errors import FaceError
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

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


def secured(headers: Iterable[tuple[bytes, bytes]], *, over_tls: bool) -> Raw:
    """`headers`, and what they have not said for themselves."""
    whole = list(headers)
    said = {name for name, _ in whole}
    whole += [default for default in _DEFAULTS if default[0] not in said]
    if over_tls:
        whole.append(_TLS_ONLY)
    return whole


access_log = logging.getLogger("service.access")

REQUEST_ID = "X-Request-Id"
_REQUEST_ID = REQUEST_ID.lower().encode()
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word is the caller's own, and is not repeated."""

NO_ROUTE = "(no route)"


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
        with answering(request.state.request_id):
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


def tell(metrics: Metrics, request: Request, status: int | None, seconds: float) -> None:
    """The metrics and the access log of a call that is over."""
    method = request.method if request.method in _METHODS else "?"
    route = getattr(request.scope.get("route"), "path", NO_ROUTE)
    code = getattr(request.state, "code", None)
    caller = getattr(request.state, "caller", None)
    metrics.answered(method, route, status, code, seconds)
    fields = {
        "method": method,
        "route": route,
        "status": status,
        "outcome": code or ("ok" if status else "caller_gone"),
        "milliseconds": round(seconds * 1000, 1),
        "caller": caller.name if caller else None,
    }
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
    given = request.headers.get(REQUEST_ID, "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex


def _log_unexpected(error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    fields = {
        "exception": type(error).__name__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    logger.error("unexpected exception", extra=fields)
