"""When a connection is read, and when it has to wait."""

from __future__ import annotations

import asyncio
from typing import Any


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
