"""Around every request: its id, its one log line, and the last safety net."""

from __future__ import annotations

import logging
import re
import time
import traceback
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.headers import secured
from service.api.problems import problem
from service.api.telemetry import Telemetry
from service.domain.calls import answering
from service.domain.errors import FaceError

access_log = logging.getLogger("service.access")
logger = logging.getLogger(__name__)

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

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

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
                tell(self._telemetry, request, outgoing.status, time.perf_counter() - started)


def tell(telemetry: Telemetry, request: Request, status: int | None, seconds: float) -> None:
    """The metrics and the access log of a call that is over."""
    method = request.method if request.method in _METHODS else "?"
    route = getattr(request.scope.get("route"), "path", NO_ROUTE)
    code = getattr(request.state, "code", None)
    caller = getattr(request.state, "caller", None)
    telemetry.answered(method, route, status, code, seconds)
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
