"""Who may call what: keys, scopes, collections."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.calls import CALLS, FACE, call
from tests.contract.collection_client import CollectionClient, code, files, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import face_of


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def limited(installation: Installation) -> dict[Scope, str]:
    """For each scope a key with all others."""
    return {scope: installation.key(*(set(Scope) - {scope})) for scope in Scope}


@pytest.mark.parametrize("name", CALLS)
def test_call_without_a_key_is_refused(server: Server, name: str) -> None:
    answer = call(server, name, {})
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", CALLS)
def test_call_without_the_scope_is_refused(
    server: Server, limited: dict[Scope, str], name: str
) -> None:
    answer = call(server, name, bearer(limited[CALLS[name][0]]))
    assert code(answer) == (403, "not_allowed")


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer face_0000000000000000_" + "A" * 43},
        {"Authorization": "Basic a2V5OmtleQ=="},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": "x" * 10_000},
        {"X-API-Key": "face_0000000000000000_" + "A" * 43},
    ],
)
def test_wrong_key_is_refused(server: Server, header: dict[str, str]) -> None:
    assert code(call(server, "list", header)) == (401, "unauthenticated")


def test_key_with_one_letter_changed_is_refused(server: Server, key: str) -> None:
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert code(call(server, "list", bearer(changed))) == (401, "unauthenticated")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_both_headers_carry_a_key(server: Server, key: str, header: str) -> None:
    value = f"Bearer {key}" if header == "Authorization" else key
    ok(call(server, "list", {header: value}))


def test_revoked_key_is_refused(server: Server, installation: Installation) -> None:
    key = installation.key()
    ok(call(server, "list", bearer(key)))
    installation.revoke(key)
    assert code(call(server, "list", bearer(key))) == (401, "unauthenticated")


def test_expired_key_is_refused(server: Server, installation: Installation) -> None:
    key = installation.key(lasts=timedelta(hours=1), ago=timedelta(hours=1))
    assert code(call(server, "list", bearer(key))) == (401, "unauthenticated")


def test_key_that_expires_later_is_valid(server: Server, installation: Installation) -> None:
    ok(call(server, "list", bearer(installation.key(lasts=timedelta(days=30)))))


def test_key_of_a_collection_opens_no_other(
    server: Server, installation: Installation, client: CollectionClient
) -> None:
    key = installation.key(collections=(client.collection,))
    with server.client(key) as http:
        own, other = (
            CollectionClient(http, client.collection),
            CollectionClient(http, f"c-{uuid4().hex}"),
        )
        ok(own.given("/enroll", face_of("kim"), subjectId="kim"), 201)
        ok(own.subjects())
        refusals = [
            other.given("/enroll", face_of("kim"), subjectId="kim"),
            other.given("/verify", face_of("kim"), subjectId="kim"),
            other.given("/dedupe", face_of("kim")),
            other.given("/identify", face_of("kim")),
            other.subjects(),
            other.subject("kim"),
            other.delete("kim"),
            other.export("kim"),
            other.withdraw_consent("kim"),
            other.unlock("kim"),
            other.rename("kim", "lee"),
            other.merge("kim", "lee"),
            other.put(),
            http.get("/admin/collections/default"),
            http.delete("/admin/collections/default"),
            http.post("/dedupe", json=FACE),
        ]
    assert [code(one) for one in refusals] == [(403, "not_allowed")] * len(refusals)


def test_malformed_request_of_a_stranger_is_unauthenticated(server: Server) -> None:
    with server.client() as http:
        for path in ("/enroll", "/token/directory", "/token/camera"):
            answer = http.post(path, content=b"{", headers={"Content-Type": "application/json"})
            assert code(answer) == (401, "unauthenticated")
        answer = http.put("/admin/collections/a%2Ab", content=b"{")
        assert code(answer) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/redoc", "/openapi.json"])
def test_open_pages_need_no_key(server: Server, path: str) -> None:
    with server.client() as http:
        answer = http.get(path)
    assert answer.status_code == 200
    assert answer.headers["X-Request-Id"]


def test_tokens_need_a_key_by_default(server: Server, portraits: list[Path]) -> None:
    with server.client() as http:
        answer = http.post("/token/images", files=files(portraits[:1]))
    assert code(answer) == (401, "unauthenticated")


def test_key_made_over_http_is_in_no_log(server: Server, http: httpx.Client) -> None:
    body = {"name": f"till-{uuid4().hex}", "scopes": ["verify"]}
    made = ok(http.post("/admin/apikeys", json=body), 201)
    ok(http.delete(f"/admin/apikeys/{made['name']}"))
    assert made["apiKey"].split("_", 2)[2] not in server.log
