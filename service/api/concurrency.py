"""How many calls are at work at a time; the next is refused at once, so that it may go elsewhere.

A call gets its place when it is known who makes it, before its body is read, and keeps it until the
last byte of its answer is on the way. Nobody has all the places: not one key, not one address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.address import address_of
from service.api.body_memory import BodyMemory
from service.api.deadlines import sent
from service.api.problems import problem
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

PAGES = ("/docs", "/redoc", "/openapi.json")


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


class PageLimit:
    """A layer that gives the open pages places of their own, apart from those of calls."""

    def __init__(self, app: ASGIApp, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PAGES):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            with self._limit.place(address_of(request)):
                await self._app(scope, receive, send)
                await sent(scope)
        except Overloaded as error:
            await problem(request, error)(scope, receive, send)
