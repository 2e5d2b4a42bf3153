"""What stands between a socket and uvicorn's own protocol: it counts, holds back, and can cut off.

Nothing of HTTP is read here. uvicorn is given a connection once it is counted and, where TLS is
spoken, once the handshake is over: uvicorn itself has no deadline for that, and asyncio a minute.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope

from service.api.connections import Connection, Connections

CONNECTION = "face.connection"
"""Under which a call finds its connection in the state of its scope."""

TURN_SECONDS = 0.01
"""How long one connection's bytes are read before the others have their turn. 256 KiB that arrive at
once are read in less than a millisecond, but in half a second where each byte is a chunk of its own.
"""

SMALLEST_PIECE = 4096
"""Bytes, with which reading begins; as long as there is time left, each piece is twice the last."""

ServerProtocol = Callable[..., asyncio.Protocol]
"""uvicorn's: made with `config`, `server_state`, `app_state` and `_loop`."""


class BoundedProtocol(asyncio.Protocol):
    """Of one connection; `inner` is made once it may speak.

    `tls`: None where HTTP is spoken in plain text.
    """

    def __init__(
        self,
        connections: Connections,
        tls: ssl.SSLContext | None,
        inner: ServerProtocol,
        **given: Any,  # noqa: ANN401 - uvicorn's to its own protocol
    ) -> None:
        self._connections = connections
        self._tls = tls
        self._make_inner = inner
        self._given = given
        self._inner: asyncio.Protocol | None = None
        self._connection: Connection | None = None
        self._held: HeldTransport | None = None
        self._unread = bytearray()
        """What came right behind a handshake, or takes longer to read than one turn."""
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plain = cast("asyncio.Transport", transport)
        self._connection = self._connections.opens(plain)
        if self._connection is None:
            return
        if self._tls is None:
            self._begin(self._connection, plain)
            return
        plain.pause_reading()  # what comes now is not HTTP
        loop = asyncio.get_running_loop()
        self._handshake = loop.create_task(self._shake_hands(self._connection, plain, self._tls))

    async def _shake_hands(
        self, connection: Connection, plain: asyncio.Transport, tls: ssl.SSLContext
    ) -> None:
        seconds = self._connections.limits.seconds
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                plain, self, tls, server_side=True, ssl_handshake_timeout=seconds
            )
        except (OSError, ssl.SSLError):  # a caller who speaks no TLS, or has no certificate for us
            secured = None
        if secured is None or secured.is_closing():
            self._connections.closes(connection)
            return
        self._begin(connection, secured)

    def _begin(self, connection: Connection, transport: asyncio.Transport) -> None:
        held = HeldTransport(transport)
        call = CallConnection(self._connections, connection, held)
        state = {**self._given["app_state"], CONNECTION: call}
        self._connections.waits_for_head(connection)
        self._held = held
        self._inner = self._make_inner(**{**self._given, "app_state": state})
        self._inner.connection_made(cast("asyncio.Transport", held))
        self._read()

    def data_received(self, data: bytes) -> None:
        is_behind = bool(self._unread)
        self._unread += data
        if not is_behind:
            self._read()

    def _read(self) -> None:
        """For a short while; the rest in the next turn of the event loop, after everybody else."""
        if self._inner is None or self._held is None:
            return
        end, size = time.monotonic() + TURN_SECONDS, SMALLEST_PIECE
        while self._unread and not self._held.is_closing():
            piece = bytes(self._unread[:size])
            del self._unread[:size]
            self._inner.data_received(piece)
            self._held.took_bytes()
            if time.monotonic() > end:
                break
            size *= 2
        self._go_on(self._held)

    def _go_on(self, held: HeldTransport) -> None:
        if held.is_closing():
            self._unread.clear()
            held.catches_up()
        elif self._unread:
            held.falls_behind()
            asyncio.get_running_loop().call_soon(self._read)
        else:
            held.catches_up()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner else None

    def pause_writing(self) -> None:
        if self._inner:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection:
            self._connections.closes(self._connection)
        if self._inner:
            self._inner.connection_lost(exc)


class HeldTransport:
    """A transport from which nothing is read while a call is at work whose body has come.

    uvicorn stops reading when a second request lies behind the first one, but reads on with each
    look at the first one's body; so what a caller sends ahead would grow without a bound.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_held = self._is_behind = False
        self.is_wanted = True
        """Whether uvicorn would read."""
        self.is_body_coming = False
        """Whether the call at work has a body that was not read to its end."""
        self._lingers = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the transport's own
        return getattr(self._transport, name)

    def pause_reading(self) -> None:
        self.is_wanted = False
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self.is_wanted = True
        self._read_again()

    def close(self) -> None:
        """Where a body is still coming, the answer goes out and reading goes on, though nobody looks at
        what comes: the operating system answers bytes for a closed socket by a reset, which takes the
        answer away from the other end before it is read (RFC 9112, 9.6). The connection's deadline
        ends it. Not over TLS, which cannot be closed in one direction.
        """
        if self._lingers or not self.is_body_coming or not self._can_linger():
            self._transport.close()
            return
        self._lingers = True
        self._is_held, self.is_wanted = False, True
        self._transport.write_eof()
        self._read_again()

    def is_closing(self) -> bool:
        return self._lingers or self._transport.is_closing()

    def _can_linger(self) -> bool:
        return self._transport.can_write_eof() and not self._transport.is_closing()

    def hold(self, *, at_once: bool) -> None:
        """`at_once`: something lies here already. Else the next bytes are taken, and then no more:
        most callers send none, and to stop reading is not for nothing.
        """
        self._is_held = True
        if at_once:
            self._transport.pause_reading()

    def took_bytes(self) -> None:
        if self._is_held:
            self._transport.pause_reading()

    def let_go(self) -> None:
        self._is_held = False
        self._read_again()

    def falls_behind(self) -> None:
        """What came is not read yet."""
        self._is_behind = True
        self._transport.pause_reading()

    def catches_up(self) -> None:
        self._is_behind = False
        self._read_again()

    def _read_again(self) -> None:
        is_free = self.is_wanted and not self._is_held and not self._is_behind
        if is_free and not self._transport.is_closing():
            self._transport.resume_reading()


class CallConnection:
    """A connection as the calls on it see it."""

    def __init__(
        self, connections: Connections, connection: Connection, transport: HeldTransport
    ) -> None:
        self.connections = connections
        self.connection = connection
        self.transport = transport


def connection_of(scope: Scope) -> CallConnection | None:
    """The call's connection; None where it came over none, as in tests of the application alone."""
    state: dict[str, Any] = scope.get("state", {})
    return state.get(CONNECTION) if scope["type"] == "http" else None


async def sent(scope: Scope) -> None:
    """Returns once the call's answer is in the operating system's hands, or lost."""
    call = connection_of(scope)
    if call is not None:
        await call.connection.sent()
