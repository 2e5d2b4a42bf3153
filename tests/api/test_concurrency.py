"""A busy process refuses early instead of letting everybody wait, and nobody has all its places."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.api import concurrency
from service.api.concurrency import ConcurrencyLimit
from service.domain.callers import Caller, Scope
from service.domain.errors import Overloaded
from service.engine.pool import WorkerPool
from tests.api.in_process import calling

GIVEN = 30
"""Seconds within which something must have happened on a busy machine."""

BODY = {"embedding": [0.0] * 512, "subjectId": "kim"}


class ApiKeyNames:
    """Each key is its own holder's name."""

    def authenticate(self, key: str) -> Caller:
        return Caller(key, frozenset(Scope))


class HeldUseCase:
    """A use case that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, *_: object) -> Any:
        self.begun.release()
        self.go.wait(GIVEN)
        raise Overloaded(7)


def with_calls_at_work(
    keys: list[str], then: Callable[[httpx.AsyncClient], Awaitable[None]], address: str = "::1"
) -> None:
    """A verification by each of `keys`, all at work, all from one address."""
    work = HeldUseCase()
    app = calling(api_keys=ApiKeyNames(), verify=work, token=work).app

    async def run() -> None:
        async with client(app, address) as http:
            calls = [asyncio.create_task(verify(http, key)) for key in keys]
            try:
                for _ in keys:
                    assert await asyncio.to_thread(work.begun.acquire, timeout=GIVEN)
                await then(http)
            finally:
                work.go.set()
                await asyncio.gather(*calls)

    asyncio.run(run())


def client(app: FastAPI, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def verify(http: httpx.AsyncClient, key: str) -> httpx.Response:
    return await http.post("/verify", json=BODY, headers={"X-API-Key": key})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six places, of which a key may have two and an address four."""
    monkeypatch.setattr(concurrency, "MOST_CALLS", 6)
    monkeypatch.setattr(concurrency, "CALLS_OF_ADDRESS", 4)
    monkeypatch.setattr(concurrency, "CALLS_OF_KEY", 2)


def test_key_has_its_share_and_leaves_the_rest_to_others() -> None:
    async def one_more(http: httpx.AsyncClient) -> None:
        refusal = await verify(http, "greedy")
        assert (refusal.status_code, refusal.json()["code"]) == (503, "overloaded")
        assert refusal.headers["Retry-After"] == "1"  # not the 7 of the use case: it was not asked
        assert refusal.headers["X-Request-Id"] == refusal.json()["requestId"]

    with_calls_at_work(["greedy", "greedy", "modest"], one_more)


def test_address_has_its_share_and_leaves_the_rest_to_others() -> None:
    async def one_more(http: httpx.AsyncClient) -> None:
        assert (await verify(http, "c")).headers["Retry-After"] == "1"

    with_calls_at_work(["a", "a", "b", "b"], one_more)


def test_pages_health_and_readiness_need_no_place() -> None:
    async def look(http: httpx.AsyncClient) -> None:
        for path in ("/healthz", "/docs", "/openapi.json"):
            assert (await http.get(path)).status_code == 200

    with_calls_at_work(["a", "a", "b", "b"], look)


def test_places_are_given_back() -> None:
    for _ in range(3):
        with_calls_at_work(["a", "a", "b", "b"], lambda _: asyncio.sleep(0))


def test_place_is_given_back_by_a_call_that_fails() -> None:
    limit = ConcurrencyLimit(most=1, of_address=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="ours"), limit.place("here"):
            raise ValueError("ours")


def test_places_are_bounded_in_all() -> None:
    limit = ConcurrencyLimit(most=2, of_address=1)
    here, there, elsewhere = (limit.place(name) for name in ("here", "there", "elsewhere"))
    with here, there, pytest.raises(Overloaded):
        elsewhere.__enter__()
    with limit.place("elsewhere"):
        pass


def test_whole_network_of_ipv6_is_one_address() -> None:
    work = HeldUseCase()
    app = calling(api_keys=ApiKeyNames(), verify=work).app

    async def run() -> None:
        clients = [client(app, f"2001:db8::{number}") for number in range(5)]
        calls = [asyncio.create_task(verify(one, f"{n}")) for n, one in enumerate(clients)]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=GIVEN)
        work.go.set()
        assert [one.result().headers["Retry-After"] for one in done] == ["1"]
        await asyncio.gather(*calls)

    asyncio.run(run())


def test_engine_hears_of_more_calls_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a thread is refused by nobody."""
    monkeypatch.undo()
    assert WorkerPool().most_calls < concurrency.CALLS_OF_KEY
    assert concurrency.MOST_CALLS < concurrency.MOST_THREADS
