"""A server of two processes against somebody who does not stop trying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import code, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import face_of

TRIES, ALLOWED, SECONDS_LOCKED = 100, 7, 1200
CALLS_A_KEY = 120


@pytest.fixture(scope="module")
def pair(installation: Installation) -> Iterator[Server]:
    limits: dict[str, Any] = {
        "rate_limit_per_key": f"{CALLS_A_KEY}/hour",
        "lockout_after": ALLOWED,
        "lockout_seconds": SECONDS_LOCKED,
    }
    with installation.serving("--workers", "2", **limits) as server:
        yield server


def at_once(call: Callable[[int], httpx.Response], times: int) -> list[httpx.Response]:
    """Each on a connection of its own, so that both processes get some."""
    with ThreadPoolExecutor(8) as callers:
        return list(callers.map(call, range(times)))


def verify(server: Server, key: str, face: str) -> httpx.Response:
    with server.client(key) as http:
        body = {"subjectId": "victim", "embedding": face_of(face).tolist()}
        return http.post("/verify", json=body)


def test_hundred_faces_on_one_subject_are_locked_out(
    installation: Installation, pair: Server
) -> None:
    admin, key = installation.key(), installation.key(Scope.VERIFY, Scope.EMBEDDING)
    with pair.client(admin) as http:
        body = {"subjectId": "victim", "embedding": face_of("victim").tolist()}
        ok(http.post("/enroll", json=body), 201)
        answers = at_once(lambda n: verify(pair, key, f"stranger{n}"), TRIES)
        assert Counter(one.status_code for one in answers) == {200: ALLOWED, 429: TRIES - ALLOWED}
        assert not any(one.json()["match"] for one in answers if one.status_code == 200)

        refusal = verify(pair, key, "victim")
        assert code(refusal) == (429, "subject_locked")
        assert SECONDS_LOCKED - 60 <= int(refusal.headers["Retry-After"]) <= SECONDS_LOCKED

        assert ok(http.get("/admin/subjects/victim"))["lockedUntil"] is not None
        assert ok(http.post("/admin/subjects/victim/unlock"))["lockedUntil"] is None
        assert ok(verify(pair, key, "victim"))["match"]
        ok(http.delete("/admin/subjects/victim"))


def test_both_processes_count_the_calls_of_a_key(installation: Installation, pair: Server) -> None:
    key = installation.key(Scope.ADMIN)

    def ask(_: int) -> httpx.Response:
        with pair.client(key) as http:
            return http.get("/admin/subjects")

    answers = at_once(ask, CALLS_A_KEY + 30)
    assert Counter(one.status_code for one in answers) == {200: CALLS_A_KEY, 429: 30}
    refusal = next(one for one in answers if one.status_code == 429)
    assert code(refusal) == (429, "rate_limited")
    assert 1 <= int(refusal.headers["Retry-After"]) <= 3600
