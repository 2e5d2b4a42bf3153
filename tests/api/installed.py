"""A service inside this process, and who calls it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.settings import ApiSettings
from service.config import AppConfig
from service.domain.callers import Scope
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases
from service.wiring import Wiring
from tests.usecases.stand_ins import StandInCapture, StandInEngine

SETTINGS = ApiSettings("en", False, 5, 5, 1024 * 1024, 5, "0", purge_interval=0)

UNLIMITED = {
    "rate_limit_per_key": "off",
    "rate_limit_per_address": "off",
    "rate_limit_failures": "off",
}


@dataclass(frozen=True)
class Installed:
    app: FastAPI
    use_cases: UseCases

    def key(self, *scopes: Scope, collections: tuple[str, ...] = ()) -> str:
        """A new API key; without scopes it has all of them."""
        return self.use_cases.api_keys.create(
            f"key-{uuid4().hex}", scopes or tuple(Scope), collections
        ).key

    def call(
        self,
        method: str,
        path: str,
        key: str | None = None,
        address: str = "192.0.2.1",
        headers: dict[str, str] | None = None,
        json: Any = None,
    ) -> httpx.Response:
        """`address`: where the connection comes from."""
        sent = {**(headers or {}), **({"Authorization": f"Bearer {key}"} if key else {})}
        client = TestClient(self.app, raise_server_exceptions=False, client=(address, 50_000))
        answer: httpx.Response = client.request(method, path, headers=sent, json=json)
        return answer


@contextmanager
def install(database_url: str, **settings: Any) -> Iterator[Installed]:
    """`settings`: those of `AppConfig`; without any, calls are not limited."""
    config = AppConfig.model_validate(
        {
            **UNLIMITED,
            "database_url": database_url,
            "master_key": base64.b64encode(bytes(32)).decode(),
            "model_name": "stand-in",
            **settings,
        }
    )
    wiring = Wiring(config)
    wiring.engine = StandInEngine()
    wiring.capture = StandInCapture({"faces/user1": ["kim:1"]}, ["kim:1"])
    wiring.prepare()
    use_cases = wiring.use_cases()
    yield Installed(
        create_app(use_cases, SETTINGS, wiring.rate_limits, Metrics(), bytes), use_cases
    )
    wiring.storage.close()
