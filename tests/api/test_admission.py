"""A busy process refuses early instead of letting everybody wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.api.admission import MOST_CALLS, MOST_THREADS, CallLimit
from service.api.app import create_app
from service.api.requests import RequestContext
from service.engine.pool import WorkerPool
from tests.api.in_process import SETTINGS, Untold, calling

MOST = 2


class Office:
    """Answers a call when it is told to; `arrived` once `MOST` calls wait."""

    def __init__(self) -> None:
        self.arrived, self.go = asyncio.Event(), asyncio.Event()
        self._waiting = 0

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        if scope["path"] != "/healthz":
            self._waiting += 1
            if self._waiting == MOST:
                self.arrived.set()
            await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def with_full_office(then: Callable[[httpx.AsyncClient, Office], Awaitable[None]]) -> None:
    async def run() -> None:
        office = Office()
        limited = CallLimit(office, most=MOST)
        app = create_app(calling().app.state.services, SETTINGS, Untold())

        async def in_application(scope: Scope, receive: Receive, send: Send) -> None:
            await RequestContext(limited, Untold())({**scope, "app": app}, receive, send)

        transport = httpx.ASGITransport(in_application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            waiting = [asyncio.create_task(http.post("/verify")) for _ in range(MOST)]
            await office.arrived.wait()
            await then(http, office)
            office.go.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [204, 204]

    asyncio.run(run())


def test_call_beyond_the_limit_is_refused_at_once() -> None:
    async def one_more(http: httpx.AsyncClient, _: Office) -> None:
        answer = await http.post("/verify")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-Request-Id"] == answer.json()["requestId"]

    with_full_office(one_more)


def test_busy_process_is_alive() -> None:
    async def health(http: httpx.AsyncClient, _: Office) -> None:
        assert (await http.get("/healthz")).status_code == 204

    with_full_office(health)


def test_failed_call_makes_room_for_the_next() -> None:
    async def failing(*_: object) -> None:
        raise RuntimeError

    async def run() -> None:
        limited = CallLimit(failing, most=1)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await limited({"type": "http", "path": "/"}, _nothing, _nothing)

    asyncio.run(run())


async def _nothing(*_: object) -> Any:
    return {}


def test_engine_hears_of_more_calls_than_it_takes() -> None:
    """Who waits for a thread is refused by nobody."""
    assert WorkerPool().most_calls < MOST_THREADS < MOST_CALLS
