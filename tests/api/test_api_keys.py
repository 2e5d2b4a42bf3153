"""API keys over HTTP: made, listed and revoked by whoever may manage all of them, and shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.domain.callers import Scope
from tests.api.installed import Installed

PATH = "/admin/apikeys"
FIELDS = {
    "name",
    "scopes",
    "collections",
    "createdAt",
    "expiresAt",
    "revokedAt",
    "lastUsedAt",
}


@pytest.fixture(scope="module")
def admin(service: Installed) -> str:
    return service.key(Scope.ADMIN)


def create(service: Installed, admin: str, **fields: Any) -> httpx.Response:
    body = {"name": f"till-{uuid4().hex}", "scopes": ["verify"], **fields}
    return service.call("POST", PATH, admin, json=body)


def listed(service: Installed, admin: str, name: str) -> dict[str, Any]:
    keys = service.call("GET", PATH, admin).json()["apiKeys"]
    row: dict[str, Any] = next(one for one in keys if one["name"] == name)
    return row


def test_created_key_may_do_what_it_was_made_for(service: Installed, admin: str) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    answer = create(
        service,
        admin,
        scopes=["verify", "admin"],
        collections=["shop"],
        expiresAt=f"{until:%FT%TZ}",
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["scopes"], made["collections"]) == (["verify", "admin"], ["shop"])
    assert datetime.fromisoformat(made["expiresAt"]) == until
    assert made.keys() == {*FIELDS, "apiKey"}
    caller = service.use_cases.api_keys.authenticate(made["apiKey"])
    assert caller.name == made["name"]
    assert caller.scopes == {Scope.VERIFY, Scope.ADMIN}
    assert caller.collections == {"shop"}


def test_key_is_in_no_answer_but_the_first(service: Installed, admin: str) -> None:
    made = create(service, admin).json()
    row = listed(service, admin, made["name"])
    assert row == {name: value for name, value in made.items() if name != "apiKey"}
    told = service.call("GET", PATH, admin).text
    assert made["apiKey"].split("_", 2)[2] not in told


def test_revoked_key_opens_nothing_and_stays_listed(service: Installed, admin: str) -> None:
    made = create(service, admin, scopes=["admin"]).json()
    revoked = service.call("DELETE", f"{PATH}/{made['name']}", admin)
    assert revoked.status_code == 200
    assert revoked.json()["revokedAt"] is not None
    assert listed(service, admin, made["name"]) == revoked.json()
    assert service.call("GET", PATH, made["apiKey"]).status_code == 401
    again = service.call("DELETE", f"{PATH}/{made['name']}", admin)
    assert again.json() == revoked.json()


def test_last_use_is_told(service: Installed, admin: str) -> None:
    made = create(service, admin).json()
    assert made["lastUsedAt"] is None
    service.call("GET", PATH, made["apiKey"])  # refused, and used all the same
    service.use_cases.api_keys.uses.write()
    used = datetime.fromisoformat(listed(service, admin, made["name"])["lastUsedAt"])
    assert abs(datetime.now(UTC) - used) < timedelta(minutes=1)


def test_key_that_is_bound_to_a_collection_manages_no_keys(service: Installed) -> None:
    bound = service.key(Scope.ADMIN, collections=("default",))
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/till")):
        answer = service.call(method, path, bound, json={"name": "x", "scopes": ["admin"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert answer.json()["errors"] == [{"scope": "admin", "collections": "all"}]


def test_name_is_given_once(service: Installed, admin: str) -> None:
    made = create(service, admin).json()
    again = create(service, admin, name=made["name"])
    assert (again.status_code, again.json()["code"]) == (409, "api_key_exists")


def test_unknown_name_cannot_be_revoked(service: Installed, admin: str) -> None:
    answer = service.call("DELETE", f"{PATH}/nobody", admin)
    assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")


@pytest.mark.parametrize(
    ("wrong", "field", "allowed"),
    [
        ({"scopes": []}, "scopes", "1"),
        ({"scopes": ["verfy"]}, "scopes.0", "verify"),
        ({"collections": [".."]}, "collections.0", "letters A to Z"),
        ({"name": "a b"}, "name", "letters A to Z"),
        ({"name": "local"}, "name", "expiry, local"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt", "later than 2"),
        ({"expires": "30d"}, "expires", "expiresAt"),
    ],
    ids=str,
)
def test_wrong_value_is_told_what_is_allowed(
    service: Installed, admin: str, wrong: dict[str, Any], field: str, allowed: str
) -> None:
    answer = create(service, admin, **wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    (problem,) = answer.json()["errors"]
    assert problem["field"] == field
    assert allowed in problem["message"]
