"""How many calls one process takes at a time; the next is refused at once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import problem
from service.domain.errors import Overloaded

MOST_CALLS = 256
"""Calls under way in one process, their bodies in memory. A photograph takes 20 to 200 ms of a
core, so the next caller would wait for half a minute behind them: longer than a door or a till can
use, and a refusal lets it go elsewhere.
"""

MOST_THREADS = 128
"""For calls that look for a key, wait for the engine or talk to the database. More than the engine
takes: it is the engine that refuses whoever would wait too long, and it must hear of them.
"""

ALIVE = "/healthz"
"""Always answered: a process that is busy must not be taken for dead and restarted."""


class CallLimit:
    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == ALIVE:
            await self._app(scope, receive, send)
        elif self._under_way >= self._most:
            await problem(Request(scope), Overloaded())(scope, receive, send)
        else:
            await self._admitted(scope, receive, send)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
