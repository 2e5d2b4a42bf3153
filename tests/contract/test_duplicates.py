"""What `onDuplicate=flag` has flagged, over HTTP, until a person has decided."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import at_cosine, face_of

KIM = face_of("kim")
TWIN = at_cosine(KIM, 0.71237)


def duplicates(client: CollectionClient, **query: Any) -> httpx.Response:
    return client.http.get("/admin/duplicates", params={"collection": client.collection, **query})


def resolve(client: CollectionClient, duplicate_id: str, **body: Any) -> httpx.Response:
    where = {"collection": client.collection}
    return client.http.post(f"/admin/duplicates/{duplicate_id}/resolve", params=where, json=body)


@pytest.fixture
def twins(client: CollectionClient) -> CollectionClient:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    ok(client.given("/enroll", TWIN, subjectId="twin", onDuplicate="flag"), 201)
    return client


def test_flagged_duplicate_is_listed_decided_and_named_no_more(twins: CollectionClient) -> None:
    page = ok(duplicates(twins))
    (one,) = page["duplicates"]
    assert page["nextCursor"] is None
    assert one == {
        "duplicateId": one["duplicateId"],
        "collection": twins.collection,
        "subjectId": "twin",
        "duplicateOf": "kim",
        "similarity": pytest.approx(0.71237, abs=1e-4),
        "flaggedAt": one["flaggedAt"],
        "status": "open",
        "decision": None,
        "decidedAt": None,
        "decidedBy": None,
    }
    again = {"subjectId": "twin", "mode": "replace"}
    assert code(twins.given("/enroll", TWIN, **again)) == (409, "duplicate_subject")
    decided = ok(resolve(twins, one["duplicateId"], decision="different_people"))
    made = {name: decided[name] for name in ("decidedAt", "decidedBy")}
    assert None not in made.values()
    assert decided == {**one, "status": "resolved", "decision": "different_people", **made}
    assert ok(duplicates(twins)) == {"duplicates": [], "nextCursor": None}
    assert ok(duplicates(twins, status="resolved"))["duplicates"] == [decided]
    assert ok(twins.given("/enroll", TWIN, **again), 201)["duplicates"] == []
    assert ok(twins.given("/dedupe", TWIN))["duplicate"]
    (told,) = ok(twins.export("kim"))["duplicates"]
    assert (told["decision"], told["duplicateId"]) == ("different_people", one["duplicateId"])
    assert "twin" not in str(told)


def test_other_decision_is_a_conflict_unless_forced(twins: CollectionClient) -> None:
    (one,) = ok(duplicates(twins))["duplicates"]
    ok(resolve(twins, one["duplicateId"], decision="same_person"))
    other = {"decision": "different_people"}
    assert code(resolve(twins, one["duplicateId"], **other)) == (409, "duplicate_resolved")
    forced = ok(resolve(twins, one["duplicateId"], **other, force=True))
    assert forced["decision"] == "different_people"


def test_what_is_not_there_is_not_found_and_what_is_wrong_is_told(twins: CollectionClient) -> None:
    (one,) = ok(duplicates(twins))["duplicates"]
    unknown = resolve(twins, str(uuid4()), decision="same_person")
    assert code(unknown) == (404, "duplicate_not_found")
    for body in ({}, {"decision": "open"}, {"decision": "same_person", "forced": True}):
        refused = resolve(twins, one["duplicateId"], **body)
        assert code(refused) == (400, "invalid_request")
    for query in ({"status": "all"}, {"limit": 0}, {"cursor": "1"}, {"cursor": f"1-{'z' * 32}"}):
        refused = duplicates(twins, **query)
        assert code(refused) == (400, "invalid_request")
        assert refused.json()["errors"][0]["field"] == next(iter(query))
    ok(twins.delete("kim"))
    gone = resolve(twins, one["duplicateId"], decision="same_person")
    assert code(gone) == (404, "duplicate_not_found")


def test_pages_hold_each_once(client: CollectionClient) -> None:
    ok(client.put(duplicatePolicy="flag"))
    for number in range(3):
        ok(client.given("/enroll", at_cosine(KIM, 0.99, str(number)), subjectId=f"p{number}"), 201)
    everything = ok(duplicates(client))["duplicates"]
    assert len(everything) == 3
    first = ok(duplicates(client, limit=2))
    second = ok(duplicates(client, limit=2, cursor=first["nextCursor"]))
    assert first["duplicates"] + second["duplicates"] == everything
    assert second["nextCursor"] is None


def test_duplicates_are_for_keys_with_admin_in_their_collections(
    server: Server, installation: Installation, twins: CollectionClient
) -> None:
    (one,) = ok(duplicates(twins))["duplicates"]
    others = (
        installation.key(*set(Scope) - {Scope.ADMIN}),
        installation.key(Scope.ADMIN, collections=("elsewhere",)),
    )
    for other in others:
        with server.client(other) as http:
            client = CollectionClient(http, twins.collection)
            for refused in (
                duplicates(client),
                resolve(client, one["duplicateId"], decision="same_person"),
            ):
                assert code(refused) == (403, "not_allowed")
    with server.client(
        installation.key(Scope.ADMIN)
    ) as http:  # not for vectors: told in hundredths
        client = CollectionClient(http, twins.collection)
        assert ok(duplicates(client))["duplicates"] == [{**one, "similarity": 0.71}]
        decided = ok(resolve(client, one["duplicateId"], decision="same_person"))
        assert decided["similarity"] == 0.71
