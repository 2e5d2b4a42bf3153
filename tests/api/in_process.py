"""The HTTP application around stand-ins: no server, no database, no model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from limits.storage import MemoryStorage

from service.api.app import create_app
from service.api.rate_limits import RateLimits
from service.api.settings import ApiSettings
from service.domain.callers import Caller, Scope
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases

SETTINGS = ApiSettings(
    language="ko",
    open_tokens=False,
    max_frames=5,
    max_images=5,
    max_image_bytes=1024,
    max_images_per_request=2,
    purge_interval=0,
    version="0",
)
UseCase = Callable[..., Any]

NO_RATE_LIMITS = RateLimits(MemoryStorage())


class AnyApiKey:
    """Whoever presents whatever key is `tester` and may do everything."""

    def authenticate(self, _: str) -> Caller:
        return Caller("tester", frozenset(Scope))


def unused(*_: object, **__: object) -> Any:
    raise AssertionError("this use case was not to be called")


def raising(error: Exception) -> UseCase:
    def use_case(*_: object) -> Any:
        raise error

    return use_case


@dataclass(frozen=True)
class InProcess:
    """A caller of an application that runs for the time of each call."""

    app: FastAPI

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, options))

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"X-API-Key": "any"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as http:
            return await http.request(method, path, **options)


def calling(**use_cases: Any) -> InProcess:
    """An application in which all but these use cases must not be called; it takes any number of
    calls, from anybody.
    """
    parts: dict[str, Any] = dict.fromkeys(UseCases.__slots__, unused)
    parts |= {"api_keys": AnyApiKey(), **use_cases}
    return InProcess(create_app(UseCases(**parts), SETTINGS, NO_RATE_LIMITS, Metrics(), bytes))
