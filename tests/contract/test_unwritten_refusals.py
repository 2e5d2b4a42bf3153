"""A call that is not allowed and cannot be written down is answered with that failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from service.api.app import create_app
from service.api.settings import ApiSettings
from service.domain.callers import Caller, Scope
from service.domain.errors import AuditTampered, DatabaseUnavailable, FaceError
from service.usecases.services import Services

SETTINGS = ApiSettings("en", False, 5, 5, 1024, 5, "0")


def client(failure: FaceError) -> TestClient:
    """A service whose log takes nothing, and a caller who may only verify."""

    def refused(*_: Any) -> None:
        raise failure

    services = SimpleNamespace(
        api_keys=SimpleNamespace(
            authenticate=lambda _: Caller("till", frozenset({Scope.VERIFY}), frozenset({"shop"}))
        ),
        trail=SimpleNamespace(refused=refused),
    )
    return TestClient(create_app(cast("Services", services), SETTINGS))


@pytest.mark.parametrize(
    ("failure", "status"), [(DatabaseUnavailable(), 503), (AuditTampered(), 500)]
)
def test_failure_to_write_is_the_answer(failure: FaceError, status: int) -> None:
    headers = {"X-API-Key": "any"}
    with client(failure) as http:
        answers = [
            http.get("/admin/subjects", headers=headers),
            http.post("/verify", json={"subjectId": "kim", "embedding": [1.0]}, headers=headers),
        ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (status, failure.code)
    ] * 2


def test_stranger_is_not_written_down() -> None:
    with client(DatabaseUnavailable()) as http:
        assert http.get("/admin/subjects").json()["code"] == "unauthenticated"
