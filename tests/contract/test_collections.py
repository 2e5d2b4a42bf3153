"""PUT, PATCH, GET and DELETE of collections."""

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


def _show(client: CollectionClient) -> httpx.Response:
    return client.http.get(f"/admin/collections/{client.collection}")


def _patch(client: CollectionClient, **named: Any) -> httpx.Response:
    return client.http.patch(f"/admin/collections/{client.collection}", json=named)


def _listed(http: httpx.Client, limit: int = 100) -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = ok(http.get("/admin/collections", params=query))
        found += page["collections"]
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


def _delete(client: CollectionClient) -> httpx.Response:
    return client.http.delete(f"/admin/collections/{client.collection}")


def test_collection_as_it_is_made(client: CollectionClient) -> None:
    answer = ok(_show(client))
    assert answer.keys() == {
        "collection",
        "modelId",
        "thresholdProfiles",
        "ownThresholds",
        "bands",
        "duplicatePolicy",
        "duplicateProfile",
        "faces",
        "requireLiveness",
        "templates",
        "expectedFalseCandidates",
        "maxFalseCandidates",
        "searchThreshold",
        "createdAt",
        "retentionDays",
    }
    assert (answer["duplicatePolicy"], answer["duplicateProfile"]) == ("reject", "balanced")
    assert (answer["modelId"], answer["templates"]) == (None, 0)
    assert (answer["maxFalseCandidates"], answer["searchThreshold"]) == (0.1, 0.40)
    assert (answer["retentionDays"], answer["faces"]) == (None, None)
    assert answer["requireLiveness"] == "none"
    thresholds = {name: one["threshold"] for name, one in answer["thresholdProfiles"].items()}
    assert thresholds == {"conservative": 0.45, "balanced": 0.40, "aggressive": 0.30}


def test_put_answers_what_get_does(client: CollectionClient) -> None:
    settings = {"thresholdProfiles": {"vip": 0.6}, "duplicatePolicy": "flag"}
    put = ok(client.put(**settings, maxFalseCandidates=2.5))
    assert put == ok(_show(client))
    assert put["maxFalseCandidates"] == 2.5
    assert put["thresholdProfiles"]["vip"]["threshold"] == 0.6


def test_own_thresholds_are_told_apart_from_the_models(client: CollectionClient) -> None:
    answer = ok(client.put(thresholdProfiles={"vip": 0.6}))
    assert answer["ownThresholds"] == {"vip": 0.6}
    assert answer["bands"] == {"veryHigh": 0.5, "high": 0.4, "borderline": 0.3, "low": 0.2}


def test_patch_sets_what_is_named_and_nothing_else(client: CollectionClient) -> None:
    before = ok(client.put(thresholdProfiles={"vip": 0.6}, retentionDays=30))
    changed = ok(_patch(client, faces="dominant"))
    assert changed == {**before, "faces": "dominant"}
    assert changed == ok(_show(client))
    assert ok(_patch(client, retentionDays=None, faces=None)) == {**before, "retentionDays": None}


def test_put_sets_what_is_not_named_to_its_default(client: CollectionClient) -> None:
    before = ok(_show(client))
    ok(client.put(faces="dominant", duplicatePolicy="flag"))
    assert ok(client.put()) == before


def test_patch_sets_how_many_strangers_a_search_may_name(client: CollectionClient) -> None:
    assert ok(_patch(client, maxFalseCandidates=2))["maxFalseCandidates"] == 2
    assert ok(_patch(client, faces="one"))["maxFalseCandidates"] == 2
    assert code(_patch(client, maxFalseCandidates=0)) == (400, "invalid_request")


@pytest.mark.parametrize("required", ["none", "verify", "enroll", "both"])
def test_patch_sets_what_liveness_is_required_for(client: CollectionClient, required: str) -> None:
    assert ok(_patch(client, requireLiveness=required))["requireLiveness"] == required
    assert ok(_patch(client, faces="one"))["requireLiveness"] == required
    assert ok(client.put())["requireLiveness"] == "none"


def test_patch_of_an_unknown_collection(client: CollectionClient) -> None:
    nowhere = CollectionClient(client.http, "nowhere")
    assert code(_patch(nowhere, faces="one")) == (404, "collection_not_found")
    assert code(_show(nowhere)) == (404, "collection_not_found")


def test_patch_refuses_a_profile_that_there_is_not(client: CollectionClient) -> None:
    assert code(_patch(client, duplicateProfile="vip")) == (404, "profile_not_found")
    ok(_patch(client, duplicateProfile="vip", thresholdProfiles={"vip": 0.6}))
    assert code(_patch(client, thresholdProfiles={})) == (404, "profile_not_found")


def test_list_shows_each_collection_as_it_shows_itself(client: CollectionClient) -> None:
    listed = {one["collection"]: one for one in _listed(client.http)}
    assert listed[client.collection] == ok(_show(client))
    assert list(listed) == sorted(listed)
    assert "default" in listed


def test_list_comes_in_pages(client: CollectionClient) -> None:
    everybody = [one["collection"] for one in _listed(client.http)]
    assert [one["collection"] for one in _listed(client.http, limit=2)] == everybody
    assert len(everybody) > 2


def test_key_of_one_collection_is_shown_that_one(
    client: CollectionClient, server: Server, installation: Installation
) -> None:
    key = installation.key(Scope.ADMIN, collections=(client.collection,))
    with server.client(key) as http:
        assert [one["collection"] for one in _listed(http)] == [client.collection]


def test_own_profile_decides_in_its_collection_alone(
    client: CollectionClient, http: httpx.Client
) -> None:
    ok(client.put(thresholdProfiles={"vip": 0.6}))
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    answer = ok(client.given("/verify", at_cosine(KIM, 0.55), subjectId="kim", profile="vip"))
    assert (answer["match"], answer["threshold"]) == (False, 0.6)
    elsewhere = CollectionClient(http, "default").given(
        "/verify", KIM, subjectId="kim", profile="vip"
    )
    assert code(elsewhere) == (404, "profile_not_found")


def test_duplicate_policy_and_profile_are_the_defaults_of_enrollments(
    client: CollectionClient,
) -> None:
    ok(client.put(duplicatePolicy="flag", duplicateProfile="aggressive"))
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    answer = ok(client.given("/enroll", at_cosine(KIM, 0.35), subjectId="lee"), 201)
    assert [one["subjectId"] for one in answer["duplicates"]] == ["kim"]


def test_search_threshold_is_apart_from_verification(client: CollectionClient) -> None:
    ok(client.put(duplicateProfile="aggressive"))
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    similar = at_cosine(KIM, 0.35)
    assert ok(client.given("/dedupe", similar))["duplicate"] is True
    assert ok(client.given("/verify", similar, subjectId="kim"))["match"] is False


@pytest.mark.parametrize(
    "settings",
    [
        {"duplicatePolicy": "merge"},
        {"duplicateProfile": ""},
        {"retentionDays": 0},
        {"retentionDays": 36_501},
        {"retentionDays": 1.5},
        {"maxFalseCandidates": 0},
        {"maxFalseCandidates": 101},
        {"maxFalseCandidates": "few"},
        {"maxFalseCandidates": None},
        {"faces": "largest"},
        {"requireLiveness": "search"},
        {"requireLiveness": None},
        {"thresholdProfiles": {"vip": 1.1}},
        {"thresholdProfiles": {"vip": "high"}},
        {"thresholdProfiles": {"vip": None}},
        {"thresholdProfiles": {"a/b": 0.5}},
        {"thresholdProfiles": [0.5]},
        {"thresholdProfiles": {str(number): 0.5 for number in range(33)}},
        {"unknown": 1},
    ],
)
def test_settings_of_another_form_are_refused(
    client: CollectionClient, settings: dict[str, Any]
) -> None:
    assert code(client.put(**settings)) == (400, "invalid_request")


def test_duplicate_profile_must_exist(client: CollectionClient) -> None:
    assert code(client.put(duplicateProfile="strictest")) == (404, "profile_not_found")


def test_deleted_collection_is_gone_with_its_people(client: CollectionClient) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    assert ok(_delete(client)) == {"collection": client.collection, "templatesDeleted": 1}
    assert code(_show(client)) == (404, "collection_not_found")
    ok(client.put())
    assert ok(client.subjects())["subjects"] == []


def test_default_always_exists(http: httpx.Client) -> None:
    default = CollectionClient(http, "default")
    ok(_delete(default))
    assert ok(_show(default))["templates"] == 0
    ok(http.post("/enroll", json={"subjectId": "kim", "embedding": KIM.tolist()}), 201)
    assert ok(_delete(default))["templatesDeleted"] == 1
    assert ok(_show(default))["templates"] == 0


def test_unknown_collection_is_not_found(http: httpx.Client) -> None:
    nowhere = CollectionClient(http, f"c-{uuid4().hex}")
    refusals = [
        _show(nowhere),
        _delete(nowhere),
        nowhere.given("/enroll", KIM, subjectId="kim"),
        nowhere.given("/verify", KIM, subjectId="kim"),
        nowhere.given("/dedupe", KIM),
        nowhere.given("/identify", KIM),
        nowhere.subject("kim"),
        nowhere.subjects(),
        nowhere.delete("kim"),
        nowhere.export("kim"),
        nowhere.withdraw_consent("kim"),
    ]
    assert [code(one) for one in refusals] == [(404, "collection_not_found")] * len(refusals)


def test_people_of_one_collection_are_unknown_in_another(
    client: CollectionClient, http: httpx.Client
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    other = CollectionClient(http, f"c-{uuid4().hex}")
    ok(other.put())
    assert code(other.given("/verify", KIM, subjectId="kim")) == (404, "subject_not_found")
    assert ok(other.given("/identify", KIM))["candidates"] == []
