"""When a connection is read, and when it has to wait.

One connection, and what its other end has to do by when.

Finish a handshake, send a head, go on with a body, read an answer. Everything here happens in the
event loop's thread; times are those of `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from math import inf
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


SLOWEST = 16 * 1024
"""Bytes a second that a body or an answer must keep up on average, once the first seconds are over:
128 kbit/s, half of what a poor mobile line has. Without it a byte now and then would hold a call's
place for ever.
"""

_LOOK_SECONDS = 0.05
"""Between two looks at an answer that did not go at once, as few do not."""


class Why(StrEnum):
    """What a connection was ended for."""

    HANDSHAKE = "handshake"
    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    CROWDED = "crowded"
    """It waited for a head while somebody else wanted its place."""
    REFUSED = "refused"
    """It came while all others were at work."""


class Connection:
    """Watched from its acceptance on.

    `transport`: of the socket itself, under TLS if there is some. `seconds`: for each step.
    """

    def __init__(self, transport: asyncio.Transport, address: str, seconds: float) -> None:
        now = time.monotonic()
        self.transport = transport
        self.address = address
        self.calls = 0
        """Under way: one, or two while the first one's answer is still being read."""
        self._seconds = seconds
        self._late_for = Why.HANDSHAKE
        self._due = now + seconds
        self._body_since = 0.0
        self._body_bytes = 0
        self._answer = _Progress(now)

    def waits_for_head(self) -> None:
        now = time.monotonic()
        self._late_for, self._due = Why.HEAD, now + self._seconds

    def call_begins(self) -> None:
        self.calls += 1
        self._due = inf
        self._body_since, self._body_bytes = time.monotonic(), 0

    def call_ends(self) -> None:
        self.calls -= 1
        if not self.calls:
            self.waits_for_head()

    def waits_for_body(self) -> None:
        now = time.monotonic()
        on_average = self._body_since + self._seconds + self._body_bytes / SLOWEST
        self._late_for, self._due = Why.BODY, min(now + self._seconds, on_average)

    def got_body(self, size: int) -> None:
        self._body_bytes += size
        self._due = inf

    def late_for(self, now: float) -> Why | None:
        """What the other end should have done by now. To be asked every second or so."""
        if now >= self._due:
            return self._late_for
        unsent = self.transport.get_write_buffer_size()
        return Why.ANSWER if self._answer.is_slow(unsent, now, self._seconds) else None

    async def sent(self) -> None:
        """Returns once all that was written is in the operating system's hands, or lost."""
        while self.transport.get_write_buffer_size():
            await asyncio.sleep(_LOOK_SECONDS)


class _Progress:
    """How an answer goes, by how much of it is still unsent."""

    def __init__(self, now: float) -> None:
        self._unsent = self._sent = 0
        self._since = self._last = now

    def is_slow(self, unsent: int, now: float, seconds: float) -> bool:
        if not unsent or not self._unsent:
            self._unsent, self._sent, self._since, self._last = unsent, 0, now, now
            return False
        if unsent < self._unsent:
            self._sent += self._unsent - unsent
            self._last = now
        self._unsent = unsent
        return now >= min(self._last, self._since + self._sent / SLOWEST) + seconds
