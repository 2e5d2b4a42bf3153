"""What stands between a socket and uvicorn's own protocol: it counts, and can cut off.

Nothing of HTTP is read here. uvicorn is given a connection once it is counted and, where TLS is
spoken, once the handshake is over: uvicorn itself has no deadline for that, and asyncio a minute.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any, cast

from service.api.connection import Connection, HeldTransport
from service.api.connections import Connections

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


class CallConnection:
    """A connection as the calls on it see it."""

    def __init__(
        self, connections: Connections, connection: Connection, transport: HeldTransport
    ) -> None:
        self.connections = connections
        self.connection = connection
        self.transport = transport


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
