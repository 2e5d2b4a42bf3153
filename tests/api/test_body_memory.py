"""Bodies that are held at a time have a bound, in all and for each key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from service.api import concurrency as body_memory
from service.api.concurrency import BodyMemory, BodyShare
from service.domain.errors import Overloaded
from tests.api.in_process import SETTINGS, calling
from tests.api.test_concurrency import GIVEN, ApiKeyNames, HeldUseCase, client

LARGEST = SETTINGS.max_body_bytes


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_memory, "LEAST_OF_KEY", 0)


def test_key_has_its_share_and_leaves_the_rest_to_others() -> None:
    memory = BodyMemory(largest=10)
    with memory.share("greedy") as first, memory.share("greedy") as second:
        first.take(6)
        second.take(4)
        with pytest.raises(Overloaded):
            first.take(1)
        with memory.share("modest") as other:
            other.take(10)
            with memory.share("third") as late, pytest.raises(Overloaded):
                late.take(1)


def test_bytes_are_given_back_by_a_call_that_fails() -> None:
    memory = BodyMemory(largest=10)
    for _ in range(3):
        with pytest.raises(Overloaded), memory.share("kim") as share:
            _take_one_by_one(share, times=11)


def test_what_is_announced_keeps_nobody_out() -> None:
    memory = BodyMemory(largest=10)
    with memory.share("slow") as slow, memory.share("slow") as fast:
        slow.require_room(10)
        fast.take(10)


@pytest.mark.parametrize("announced", [True, False])
def test_call_beyond_the_share_of_its_key_is_refused_and_another_key_is_heard(
    announced: bool,
) -> None:
    """The first body is in memory for as long as its call lasts."""
    work = HeldUseCase()
    app = calling(api_keys=ApiKeyNames(), token=work).app
    large = _form(LARGEST * 3 // 4)

    async def run() -> None:
        async with client(app, "::1") as http:
            first = asyncio.create_task(_send(http, "greedy", large, announced=True))
            try:
                assert await asyncio.to_thread(work.begun.acquire, timeout=GIVEN)
                refusal = await _send(http, "greedy", large, announced=announced)
                assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "1")
                other = asyncio.create_task(_send(http, "modest", large, announced=announced))
                assert await asyncio.to_thread(work.begun.acquire, timeout=GIVEN)
            finally:
                work.go.set()
            assert {(await call).headers["Retry-After"] for call in (first, other)} == {"7"}
            again = await _send(http, "greedy", large, announced=announced)
            assert again.headers["Retry-After"] == "7"  # the use case's own: the bytes came back

    asyncio.run(run())


def _take_one_by_one(share: BodyShare, times: int) -> None:
    for _ in range(times):
        share.take(1)


def _form(size: int) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
    return head + bytes(size) + b"\r\n--x--\r\n"


async def _send(
    http: httpx.AsyncClient, key: str, content: bytes, *, announced: bool
) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    headers = {"X-API-Key": key, "Content-Type": "multipart/form-data; boundary=x"}
    body = content if announced else chunks()
    return await http.post("/token/images", content=body, headers=headers)
