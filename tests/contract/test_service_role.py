"""Every route does its job for a server that has the rights of `face_service` and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.contract.collection_client import CollectionClient, files, ok
from tests.contract.installation import Installation
from tests.postgres import TestServer

WITHOUT_DATABASE = {"POST /token/camera", "POST /token/directory"}
"""They read no table but that of API keys, as `/token/images` does, and need a camera or a folder."""

BEHIND_A_SLASH = r"/[^/]+"


@pytest.fixture(scope="module")
def http(
    installation: Installation, postgres_server: TestServer, key: str
) -> Iterator[httpx.Client]:
    name = f"face_test_{uuid4().hex}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    postgres_server.run(f"GRANT face_service TO {name}")
    url = make_url(installation.database_url).set(username=name, password="x")
    with (
        installation.serving(database_url=url.render_as_string(False)) as server,
        server.client(key) as http,
    ):
        yield http
    postgres_server.run(f"DROP ROLE {name}")


def routes(document: dict[str, dict[str, dict[str, object]]]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }


def called(requests: list[httpx.Request], all_routes: set[str]) -> set[str]:
    """The routes that these requests are to; one without parameters comes before one with."""
    exact = {route for route in all_routes if "{" not in route}
    named = [f"{request.method} {request.url.path}" for request in requests]
    patterns = {
        route: re.compile(re.sub(r"/\{\w+\}", BEHIND_A_SLASH, route))
        for route in all_routes - exact
    }
    return {name for name in named if name in exact}.union(
        *({r for r, pattern in patterns.items() if pattern.fullmatch(name)} for name in named)
    )


def session_of(client: CollectionClient, subject_id: str) -> dict[str, str]:
    return {"purpose": "verify", "collection": client.collection, "subjectId": subject_id}


def test_every_route_works_with_the_rights_of_the_service(
    http: httpx.Client, people: dict[str, list[Path]]
) -> None:
    requests: list[httpx.Request] = []
    http.event_hooks["request"].append(requests.append)
    kim, lee, *_ = people.values()
    client = CollectionClient(http, f"c-{uuid4().hex}")
    place = f"/admin/collections/{client.collection}"
    ok(client.put())
    ok(client.enroll("kim", *kim[:2], metadata={"door": 1}, consentReference="paper"), 201)
    ok(client.enroll("kim", kim[2], mode="add"), 201)
    ok(client.enroll("kim", kim[3], mode="replace"), 201)
    assert ok(client.verify("kim", kim[4]))["match"]
    assert not ok(client.verify("kim", lee[0]))["match"]
    assert ok(client.dedupe(kim[4]))["duplicate"]
    assert ok(client.identify(kim[4]))["match"]
    ok(http.post("/token/images", files=files(kim[:1])))
    assert ok(http.post("/check", files=files(kim[:1])))["usable"]
    started = ok(http.post("/liveness/sessions", json=session_of(client, "kim")), 201)
    frames = f"/liveness/sessions/{started['sessionId']}/frames"
    ok(http.post(frames, data={"step": "0"}, files=files(kim[:1])))
    ok(client.enroll("twin", kim[4], onDuplicate="flag"), 201)
    where = {"collection": client.collection}
    (one,) = ok(http.get("/admin/duplicates", params=where))["duplicates"]
    resolve = f"/admin/duplicates/{one['duplicateId']}/resolve"
    ok(http.post(resolve, params=where, json={"decision": "different_people"}))
    ok(client.subjects())
    ok(client.subject("kim"))
    ok(client.export("kim"))
    ok(client.unlock("kim"))
    ok(client.rename("kim", "kim.lee"))
    ok(client.enroll("kim", kim[1], onDuplicate="allow"), 201)
    ok(client.merge("kim.lee", "kim"))
    ok(client.delete("kim.lee"))
    ok(client.enroll("lee", lee[0]), 201)
    ok(client.withdraw_consent("lee"))
    ok(http.get("/admin/collections"))
    ok(http.patch(place, json={"faces": "dominant"}))
    ok(http.get(place))
    made = {"name": client.collection, "scopes": ["verify"]}
    ok(http.post("/admin/apikeys", json=made), 201)
    ok(http.get("/admin/apikeys"))
    ok(http.delete(f"/admin/apikeys/{client.collection}"))
    ok(http.get("/admin/audit"))
    ok(http.delete(place))
    ok(http.get("/healthz"))
    ok(http.get("/readyz"))
    assert http.get("/metrics").status_code == 200
    all_routes = routes(http.get("/openapi.json").json())
    assert all_routes - called(requests, all_routes) == WITHOUT_DATABASE
