"""A call that is not allowed and cannot be written down is answered with that failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from service.api.app import create_app
from service.api.settings import ApiSettings
from service.domain.callers import Caller, Scope
from service.domain.errors import AuditTampered, DatabaseUnavailable, FaceError
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases
from tests.api.in_process import NO_RATE_LIMITS

SETTINGS = ApiSettings("en", False, 5, 5, 1024, 5, "0", purge_interval=0)


def answer_to(failure: FaceError, method: str, path: str, **request: Any) -> tuple[int, str]:
    """Status and code."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application(failure))
        async with httpx.AsyncClient(transport=transport, base_url="http://face") as http:
            return await http.request(method, path, **request)

    answer = asyncio.run(ask())
    return answer.status_code, answer.json()["code"]


def application(failure: FaceError) -> FastAPI:
    """A service whose log takes nothing, and a caller who may only verify."""

    def refused(*_: Any) -> None:
        raise failure

    use_cases = SimpleNamespace(
        api_keys=SimpleNamespace(
            authenticate=lambda _: Caller("till", frozenset({Scope.VERIFY}), frozenset({"shop"}))
        ),
        audit_recorder=SimpleNamespace(record_refusal=refused),
    )
    return create_app(cast("UseCases", use_cases), SETTINGS, NO_RATE_LIMITS, Metrics(), bytes)


@pytest.mark.parametrize(
    ("failure", "status"), [(DatabaseUnavailable(), 503), (AuditTampered(), 500)]
)
def test_failure_to_write_is_the_answer(failure: FaceError, status: int) -> None:
    headers, face = {"X-API-Key": "any"}, {"subjectId": "kim", "embedding": [1.0]}
    for call in (("GET", "/admin/subjects"), ("POST", "/verify")):
        answer = answer_to(failure, *call, json=face, headers=headers)
        assert answer == (status, failure.code)


def test_stranger_is_not_written_down() -> None:
    answer = answer_to(DatabaseUnavailable(), "GET", "/admin/subjects")
    assert answer == (401, "unauthenticated")
