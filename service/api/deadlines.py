"""Tells each connection what its calls wait for, so that it can be ended when they wait too long."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.connections import Connections
from service.api.protocol import CONNECTION, CallConnection


class Deadlines:
    """The outermost layer: a call lasts from its head to the end of its answer."""

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


def connection_of(scope: Scope) -> CallConnection | None:
    """The call's connection; None where it came over none, as in tests of the application alone."""
    state: dict[str, Any] = scope.get("state", {})
    return state.get(CONNECTION) if scope["type"] == "http" else None


async def sent(scope: Scope) -> None:
    """Returns once the call's answer is in the operating system's hands, or lost."""
    call = connection_of(scope)
    if call is not None:
        await call.connection.sent()


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
