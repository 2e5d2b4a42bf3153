"""How much of one process each key and each address may have at a time: calls at work, and memory.

A call gets its place when it is known who makes it, before its body is read, and keeps it until the
last byte of its answer is on the way. One more call is refused at once, so that it may go elsewhere.
Nobody has all the places: not one key, not one address.

Places alone do not bound memory: 128 bodies of the largest kind are 35 GiB. So the bytes of bodies
are counted as well.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter
from starlette.requests import Request

from service.domain.errors import Overloaded

MOST_CALLS = 256
"""Calls with a place in one process, their bodies in memory. A photograph takes 20 to 200 ms of a
core, so the next caller would wait for half a minute behind them: longer than a door or a till can
use.
"""

CALLS_OF_ADDRESS = MOST_CALLS * 3 // 4
"""Generous, since a reverse proxy is one address. Who comes through another one is still heard."""

CALLS_OF_KEY = MOST_CALLS // 2
"""Less than of an address: behind one proxy, one key leaves something to the others."""

MOST_THREADS = MOST_CALLS + 64
"""One for each call with a place, and some for refusals: nobody waits for a thread. It is the engine
and the database that refuse whoever would wait too long, and they must hear of them."""

MOST_AUTHENTICATIONS = 1024
"""Keys that are being looked up, or wait for it: before that nobody is known, and everybody heard. A
thousand wait less than a second.
"""

AUTHENTICATIONS_OF_ADDRESS = MOST_AUTHENTICATIONS * 3 // 4

AUTHENTICATION_THREADS = 16
"""Of their own: a look-up takes milliseconds, and must not wait behind calls that take seconds."""

MOST_PAGES = 32
"""Answers of the open pages, up to 1.5 MB each, that are on their way."""

MOST_SCRAPES = 8
"""Of the metrics, which are wanted most when all other places are taken."""

LEAST_OF_KEY = 256 * 1024 * 1024
"""Bytes: a hundred photographs of a phone at a time, where single bodies may be small. What is made
of a JSON body on its way to pixels takes up to four times its bytes for a moment.
"""

_FORWARDING_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-host",
        "x-original-url",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
    }
)
_FORWARDING_PREFIX = "x-forwarded-"

_ONE_CUSTOMER = 64
"""Bits of an IPv6 network."""


class Concurrency:
    """The limits of one process."""

    def __init__(self, largest_body: int) -> None:
        """`largest_body`: bytes."""
        self.bodies = BodyMemory(largest_body)
        self.calls = ConcurrencyLimit(MOST_CALLS, CALLS_OF_ADDRESS, CALLS_OF_KEY)
        self.authentications = ConcurrencyLimit(MOST_AUTHENTICATIONS, AUTHENTICATIONS_OF_ADDRESS)
        self.authentication_threads = CapacityLimiter(AUTHENTICATION_THREADS)
        self.scrapes = ConcurrencyLimit(MOST_SCRAPES, MOST_SCRAPES)
        self.pages = ConcurrencyLimit(MOST_PAGES, MOST_PAGES * 3 // 4)


class ConcurrencyLimit:
    """So many at a time, and so many of one holder. For the event loop's thread alone."""

    def __init__(self, most: int, of_address: int, of_key: int | None = None) -> None:
        self._most = most
        self._of_address = of_address
        self._of_key = of_key or most
        self._number = 0
        self._addresses: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str, key: str = "") -> Iterator[None]:
        """One is taken for the time of the block. Raises `Overloaded`."""
        self._require_room(address, key)
        self._take(address, key, 1)
        try:
            yield
        finally:
            self._take(address, key, -1)

    def _require_room(self, address: str, key: str) -> None:
        if (
            self._number >= self._most
            or self._addresses[address] >= self._of_address
            or self._keys[key] >= self._of_key
        ):
            raise Overloaded

    def _take(self, address: str, key: str, places: int) -> None:
        self._number += places
        for counts, holder in ((self._addresses, address), (self._keys, key)):
            counts[holder] += places
            if not counts[holder]:
                del counts[holder]  # holders come and go


class BodyMemory:
    """For the event loop's thread alone. `largest`: bytes that one body may have; a key may hold that
    much, or `LEAST_OF_KEY`, and the process twice as much, so that one key leaves something to others.
    """

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self._of_key = max(LEAST_OF_KEY, largest)
        self._most = 2 * self._of_key
        self._bytes = 0
        self._keys: Counter[str] = Counter()

    @contextmanager
    def share(self, key: str) -> Iterator[BodyShare]:
        """One call's, for the time of the block."""
        share = BodyShare(self, key)
        try:
            yield share
        finally:
            self._count(key, -share.taken)

    def require_room(self, key: str, size: int) -> None:
        """Raises `Overloaded` where `size` bytes more are too many."""
        if self._bytes + size > self._most or self._keys[key] + size > self._of_key:
            raise Overloaded

    def take(self, key: str, size: int) -> None:
        """Raises `Overloaded`."""
        self.require_room(key, size)
        self._count(key, size)

    def _count(self, key: str, size: int) -> None:
        self._bytes += size
        self._keys[key] += size
        if not self._keys[key]:
            del self._keys[key]  # keys come and go


class BodyShare:
    """What one call holds of it. Bytes count as they come: what is only announced keeps nobody out."""

    def __init__(self, memory: BodyMemory, key: str) -> None:
        self._memory = memory
        self._key = key
        self.largest = memory.largest
        """Bytes that one body may have."""
        self.taken = 0

    def require_room(self, announced: int) -> None:
        """Before the first byte comes. Raises `Overloaded`."""
        self._memory.require_room(self._key, announced)

    def take(self, size: int) -> None:
        """Raises `Overloaded`."""
        self._memory.take(self._key, size)
        self.taken += size


def address_of(request: Request) -> str:
    """Where the call comes from, as it is counted: behind a proxy that is the proxy.

    Not what a forwarding header says, which anybody can write.
    """
    return network_of(request.client.host if request.client else "")


def network_of(host: str) -> str:
    """The address itself, or of an IPv6 address its /64 network, which is what one customer of a
    provider is given (RFC 6177): the rest they choose freely.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a socket's file, which has no address
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _ONE_CUSTOMER), strict=False))


def forwarding_header(request: Request) -> str | None:
    """The first header that only a proxy writes, in small letters; None where there is none."""
    names = request.headers.keys()
    return next(
        (
            name
            for name in names
            if name in _FORWARDING_HEADERS or name.startswith(_FORWARDING_PREFIX)
        ),
        None,
    )
