"""How many connections there are descriptors for.

Without one left, a server can neither accept nor reach its database nor open a file. So the limit
is raised as far as the system lets us, and connections stay below what is left of it.

All connections of this process: how many there may be, and an end for those that are late.

A connection is a descriptor and some memory, given to whoever asks, before anybody knows who it is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from service.api.connection import Connection, Why
from service.api.open_door import network_of
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 128
"""Connections that are taken in one turn of the event loop; more wait in the system's queue."""

RESERVED = 600
"""Not for connections that stay: four turns of those just taken or just cut off, which asyncio
needs from the accepting to the closing, and 88 for the database, the model, the log and the rest.
"""

FEWEST = 64
"""Connections below which it makes no sense to serve."""

_ENDLESS = 1 << 62

if sys.platform == "win32":

    def raise_limit(_most: int) -> int:
        """Windows has no such limit."""
        return _ENDLESS

else:
    import resource

    def raise_limit(most: int) -> int:
        """The descriptors that this process may have, and those that it starts: enough for `most`
        connections where the system's hard limit is not below that.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = most + RESERVED
        if _is_enough(soft, wanted):
            return _ENDLESS if soft == resource.RLIM_INFINITY else soft
        allowed = wanted if _is_enough(hard, wanted) else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed

    def _is_enough(limit: int, wanted: int) -> bool:
        return limit == resource.RLIM_INFINITY or limit >= wanted


def fitting(most: int) -> int:
    """Of `most` connections, so many as there are descriptors for; the limit is raised for them."""
    return min(most, raise_limit(most) - RESERVED)


ADDRESS_SHARE = 0.75
"""Of all connections that one address may have. Generous, since a reverse proxy is one address; but
so is a stranger."""

TICK_SECONDS = 1.0
"""Between two looks for those that are late."""

UNSENT_BYTES = 128 * 1024
"""Of an answer that the operating system takes before the other end takes more: enough to keep a
fast line busy."""

LOG_SECONDS = 60.0
"""Between two lines about connections that were ended, however many they are."""

_OF_AN_ATTACK = {Why.CROWDED, Why.REFUSED, Why.BODY, Why.ANSWER}
"""The others happen every day: browsers open connections that they may not need."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`most`: connections of this process. `seconds`: for a handshake, for a head, between two
    pieces of a body, and for a reader who does not read.
    """

    most: int = 2048
    seconds: float = 20.0

    @property
    def of_one_address(self) -> int:
        return max(1, int(self.most * ADDRESS_SHARE))


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
