"""The connections of this process: how many there may be, and an end for those that are late.

A connection is a descriptor and some memory, given to whoever asks, before anybody knows who it is.
Its other end has to finish a handshake, to send a head, to go on with a body and to read an answer,
each in time. Everything here happens in the event loop's thread; times are those of
`time.monotonic`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from contextlib import suppress
from enum import StrEnum
from math import inf

from service.api.concurrency import network_of
from service.api.settings import ConnectionLimits
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""Between two looks for those that are late."""

UNSENT_BYTES = 128 * 1024
"""Of an answer that the operating system takes before the other end takes more: enough to keep a
fast line busy."""

LOG_SECONDS = 60.0
"""Between two lines about connections that were ended, however many they are."""

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


_OF_AN_ATTACK = {Why.CROWDED, Why.REFUSED, Why.BODY, Why.ANSWER}
"""The others happen every day: browsers open connections that they may not need."""


class Connections:
    """Where one too many comes, another ends that waits for a head, the oldest first, as nginx does
    it: silence costs its own place, not that of whoever comes and speaks.
    """

    def __init__(self, limits: ConnectionLimits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._open: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[Connection, None] = {}
        """For a head, the longest first."""
        self._untold: Counter[Why] = Counter()
        self._told_at = -inf
        self._tick: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def opens(self, transport: asyncio.Transport) -> Connection | None:
        """The connection, counted; None where there is no room, and it has been cut off."""
        self._tick_soon()
        address = network_of(_host(transport))
        if not self._makes_room(address):
            self._note(Why.REFUSED)
            transport.abort()
            return None
        _keep_little_unsent(transport, self.limits.seconds)
        connection = Connection(transport, address, self.limits.seconds)
        self._open.add(connection)
        self._of_address[address] += 1
        self._waiting[connection] = None
        return connection

    def closes(self, connection: Connection) -> None:
        """It is gone. May be said twice."""
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._open.remove(connection)
            self._of_address[connection.address] -= 1
            if not self._of_address[connection.address]:
                del self._of_address[connection.address]

    def waits_for_head(self, connection: Connection) -> None:
        """From now on: it is connected, and over TLS if that is spoken."""
        connection.waits_for_head()

    def call_begins(self, connection: Connection) -> None:
        connection.call_begins()
        self._waiting.pop(connection, None)

    def call_ends(self, connection: Connection) -> None:
        connection.call_ends()
        if not connection.calls and connection in self._open:
            self._waiting[connection] = None

    def ends(self, connection: Connection, why: Why) -> None:
        """Cut off without a word: it would wait behind what the other end does not read."""
        self._note(why)
        self.closes(connection)
        connection.transport.abort()

    def _makes_room(self, address: str) -> bool:
        if self._of_address[address] >= self.limits.of_one_address:
            return self._ends_oldest(address)
        return len(self._open) < self.limits.most or self._ends_oldest(None)

    def _ends_oldest(self, address: str | None) -> bool:
        """`address`: of this one only. Whether there was one."""
        for connection in self._waiting:
            if address in (None, connection.address):
                self.ends(connection, Why.CROWDED)
                return True
        return False

    def _note(self, why: Why) -> None:
        self._untold[why] += 1
        self._metrics.connection_ended(why)

    def _tick_soon(self) -> None:
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._look)

    def _look(self) -> None:
        """At all of them; again for as long as there are any, or something is to be told."""
        self._tick = None
        now = time.monotonic()
        late = [(one, why) for one in self._open if (why := one.late_for(now))]
        for connection, why in late:
            self.ends(connection, why)
        self._metrics.connected(len(self._open))
        self._tell(now)
        if self._open or self._untold:
            self._tick_soon()

    def _tell(self, now: float) -> None:
        if not self._untold or now < self._told_at + LOG_SECONDS:
            return
        level = logging.WARNING if self._untold.keys() & _OF_AN_ATTACK else logging.INFO
        numbers = ", ".join(f"{number} {why}" for why, number in sorted(self._untold.items()))
        logger.log(level, "connections ended early: %s", numbers)
        self._untold.clear()
        self._told_at = now


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


def _keep_little_unsent(transport: asyncio.Transport, seconds: float) -> None:
    """The operating system would take megabytes of an answer that nobody reads, and keep them after
    we have closed. Where it can be told (Linux, macOS in part), it takes little and gives up in time.
    """
    given = transport.get_extra_info("socket")
    for name, value in (
        ("TCP_NOTSENT_LOWAT", UNSENT_BYTES),
        ("TCP_USER_TIMEOUT", int(2 * seconds * 1000)),  # after our own end, which is counted
    ):
        option = getattr(socket, name, None)
        if option is not None and given is not None:
            with suppress(OSError):  # the other end is gone already, or it is no TCP
                given.setsockopt(socket.IPPROTO_TCP, option, value)


def _host(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""
