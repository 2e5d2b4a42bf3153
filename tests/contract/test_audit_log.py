"""The audit log over HTTP: what was done, what was refused, and who sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import face_of

FIELDS = {
    "sequence",
    "auditId",
    "at",
    "caller",
    "action",
    "collection",
    "subject",
    "outcome",
    "requestId",
    "digest",
}


def log(http: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Newest first."""
    records: list[dict[str, Any]] = ok(http.get("/admin/audit", params=query))["records"]
    return records


def told(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Action and outcome, oldest first."""
    return [(one["action"], one["outcome"]) for one in reversed(records)]


@pytest.fixture
def busy(client: CollectionClient) -> CollectionClient:
    """Where Kim was enrolled, verified, searched, refused and deleted."""
    ok(client.given("/enroll", face_of("kim"), subjectId="kim"), 201)
    assert code(client.given("/enroll", face_of("kim"), subjectId="lee"))[0] == 409
    ok(client.given("/verify", face_of("kim"), subjectId="kim"))
    ok(client.given("/verify", face_of("lee"), subjectId="kim"))
    ok(client.given("/dedupe", face_of("lee")))
    ok(client.delete("kim"))
    return client


STORY = [
    ("collection_set", "done"),
    ("enroll", "done"),
    ("enroll", "duplicate_subject"),
    ("verify", "match"),
    ("verify", "no_match"),
    ("search", "no_match"),
    ("erase", "done"),
]


def test_what_was_done_and_refused_is_told(busy: CollectionClient) -> None:
    assert told(log(busy.http, collection=busy.collection)) == STORY


def test_record_has_the_fields_of_the_contract(busy: CollectionClient) -> None:
    newest = log(busy.http, collection=busy.collection)[0]
    assert newest.keys() == FIELDS
    assert UUID(newest["auditId"])
    assert datetime.fromisoformat(newest["at"]).tzinfo is not None
    assert len(newest["subject"]) == len(newest["digest"]) == 64
    assert newest["collection"] == busy.collection


def test_record_has_the_id_of_its_request(client: CollectionClient) -> None:
    asked = client.json(
        "/verify",
        {"X-Request-Id": "my-request"},
        subjectId="kim",
        embedding=face_of("kim").tolist(),
    )
    assert code(asked) == (404, "subject_not_found")
    newest = log(client.http, collection=client.collection)[0]
    assert (newest["requestId"], newest["outcome"]) == ("my-request", "subject_not_found")


def test_pages_hold_every_record_once(busy: CollectionClient) -> None:
    where: dict[str, Any] = {"collection": busy.collection, "limit": 3}
    first = ok(busy.http.get("/admin/audit", params=where))
    second = ok(busy.http.get("/admin/audit", params={**where, "cursor": first["nextCursor"]}))
    third = ok(busy.http.get("/admin/audit", params={**where, "cursor": second["nextCursor"]}))
    assert told(first["records"] + second["records"] + third["records"]) == STORY
    assert third["nextCursor"] is None


def test_log_is_asked_by_action_person_and_time(busy: CollectionClient) -> None:
    where = {"collection": busy.collection}
    assert len(log(busy.http, **where, action="verify")) == 2
    assert told(log(busy.http, **where, subjectId="lee")) == [("enroll", "duplicate_subject")]
    assert len(log(busy.http, **where, subjectId="kim")) == 4
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert log(busy.http, **where, since=later) == []
    assert told(log(busy.http, **where, until=later)) == STORY
    moment = log(busy.http, **where)[2]["at"]
    assert told(log(busy.http, **where, since=moment)) == STORY[4:]
    assert told(log(busy.http, **where, until=moment)) == STORY[:4]


def test_key_of_a_collection_sees_only_what_concerns_it(
    busy: CollectionClient, server: Server, installation: Installation
) -> None:
    """Not other collections, and not who makes and revokes keys."""
    other = CollectionClient(busy.http, f"c-{uuid4().hex}")
    ok(other.put())
    with server.client(installation.key(collections=(busy.collection,))) as http:
        assert told(log(http)) == STORY
        refused = http.get("/admin/audit", params={"collection": other.collection})
        assert code(refused) == (403, "not_allowed")


def test_call_without_the_scope_is_written_down(
    server: Server, installation: Installation, http: httpx.Client
) -> None:
    with server.client(installation.key(Scope.VERIFY)) as verifier:
        refused = verifier.delete("/admin/subjects/kim")
    assert code(refused) == (403, "not_allowed")
    newest = log(http)[0]
    assert newest["action"] == "DELETE /admin/subjects/{subjectId}"
    assert newest["outcome"] == "not_allowed"
    assert newest["requestId"] == refused.headers["X-Request-Id"]
    assert newest["caller"].startswith("key-")
    assert newest["subject"] is None


def test_call_beyond_its_collections_is_written_down_with_the_collection(
    server: Server, installation: Installation, client: CollectionClient
) -> None:
    with server.client(installation.key(collections=("elsewhere",))) as stranger:
        refused = CollectionClient(stranger, client.collection).given(
            "/verify", face_of("kim"), subjectId="kim"
        )
    assert code(refused) == (403, "not_allowed")
    newest = log(client.http, collection=client.collection)[0]
    assert (newest["action"], newest["outcome"]) == ("POST /verify", "not_allowed")


def test_folder_that_may_not_be_read_is_written_down_once(
    client: CollectionClient, http: httpx.Client
) -> None:
    newest_before = log(http)[0]["sequence"]
    refused = client.json("/enroll", subjectId="kim", directory={"dirPath": "/etc"})
    assert code(refused) == (403, "directory_not_allowed")
    newest = log(http)[0]
    assert (newest["action"], newest["outcome"]) == ("POST /enroll", "directory_not_allowed")
    assert newest["sequence"] == newest_before + 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"cursor": 0},
        {"cursor": 2**63},
        {"since": "yesterday"},
        {"until": "2026-01-01T00:00:00"},
        {"subjectId": "a/b"},
        {"action": "x" * 101},
        {"action": "a\0b"},
    ],
)
def test_query_is_checked(http: httpx.Client, query: dict[str, object]) -> None:
    refusal = http.get("/admin/audit", params=query)  # type: ignore[arg-type]
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == next(iter(query))


def test_person_is_asked_for_in_a_collection(http: httpx.Client) -> None:
    """Each hashes with a key of its own."""
    refusal = http.get("/admin/audit", params={"subjectId": "kim"})
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == "collection"
