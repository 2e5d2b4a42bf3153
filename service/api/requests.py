"""Around every request: its id, its one log line, its size limit, and the last safety net."""

from __future__ import annotations

import logging
import re
import time
import traceback
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem
from service.domain.calls import answering
from service.domain.errors import FaceError, ImageTooLarge

access_log = logging.getLogger("service.access")
logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestContext:
    """Gives each request an id and a log line, and answers what nobody caught.

    The log has the route's pattern, never the path: a path may hold a subject's id. Of an
    unexpected exception it has the type and the frames, never the message: the database's own
    messages quote rows.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.request_id = _request_id(request)
        outgoing = _Outgoing(send, request.state.request_id)
        started = time.perf_counter()
        try:
            with answering(request.state.request_id):
                await self._app(scope, receive, outgoing.send)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:  # the last net: a caller never sees a traceback
            _log_unexpected(error, request.state.request_id)
            if outgoing.status is None:
                await problem(request, FaceError())(scope, receive, outgoing.send)
        finally:
            _log_access(request, outgoing.status, time.perf_counter() - started)


class _Outgoing:
    """The way back: notes the status and adds the headers that every answer has."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._request_id
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await self._send(message)


class BodyLimit:
    """Refuses bodies that no valid request can have, before or while they are read."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if _declared_length(request) > self._max_bytes:
            await problem(request, self._too_large())(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> ImageTooLarge:
        return ImageTooLarge(limit=f"{self._max_bytes // 1024} KiB / request")


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def _request_id(request: Request) -> str:
    """The caller's own id where it is harmless, so that logs of both sides can be joined."""
    given = request.headers.get(REQUEST_ID, "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex


def _log_access(request: Request, status: int | None, seconds: float) -> None:
    route = request.scope.get("route")
    caller = getattr(request.state, "caller", None)
    access_log.info(
        "%s %s %s %.1f ms caller=%s request=%s",
        request.method if request.method.isalpha() else "?",
        getattr(route, "path", "(no route)"),
        status,
        seconds * 1000,
        caller.name if caller else "-",
        request.state.request_id,
    )


def _log_unexpected(error: Exception, request_id: str) -> None:
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("request=%s: unexpected %s\n%s", request_id, type(error).__name__, frames)
