"""What stands between a socket and uvicorn's own protocol: it counts, and can cut off.

Nothing of HTTP is read here. uvicorn is given a connection once it is counted and, where TLS is
spoken, once the handshake is over: uvicorn itself has no deadline for that, and asyncio a minute.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from service.api.connection import Connection
from service.api.connections import Connections

CONNECTION = "face.connection"
"""Under which a call finds its connection in the state of its scope."""

ServerProtocol = Callable[..., asyncio.Protocol]
"""uvicorn's: made with `config`, `server_state`, `app_state` and `_loop`."""


class HeldTransport:
    """A transport from which nothing is read while a call is at work whose body has come.

    uvicorn stops reading when a second request lies behind the first one, but reads on with each
    look at the first one's body; so what a caller sends ahead would grow without a bound.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_held = False
        self.is_wanted = True
        """Whether uvicorn would read."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the transport's own
        return getattr(self._transport, name)

    def pause_reading(self) -> None:
        self.is_wanted = False
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self.is_wanted = True
        if not self._is_held:
            self._transport.resume_reading()

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
        if self.is_wanted and not self._transport.is_closing():
            self._transport.resume_reading()


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
        self._early = b""
        """What came right behind a handshake."""
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
        if self._early:
            self._inner.data_received(self._early)
            self._early = b""

    def data_received(self, data: bytes) -> None:
        if self._inner is None or self._held is None:
            self._early += data
            return
        self._inner.data_received(data)
        self._held.took_bytes()

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
