"""The fields of POST /enroll: modes, duplicates, metadata, retries."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.domain.vectors import at_cosine, face_of

KIM = face_of("kim")
KIM_AGAIN = at_cosine(KIM, 0.8, "again")
STRANGER = face_of("stranger")
METADATA_LIMIT = 4096


@pytest.fixture
def enrolled(client: CollectionClient) -> CollectionClient:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    return client


def test_existing_subject_is_not_created_twice(enrolled: CollectionClient) -> None:
    assert code(enrolled.given("/enroll", KIM, subjectId="kim")) == (409, "subject_exists")


def test_add_makes_one_template_of_all(enrolled: CollectionClient) -> None:
    ok(enrolled.given("/enroll", KIM_AGAIN, subjectId="kim", mode="add"), 201)
    assert ok(enrolled.subject("kim"))["templates"] == 1
    similarity = ok(enrolled.given("/verify", KIM, subjectId="kim"))["similarity"]
    assert similarity == pytest.approx(math.sqrt((1 + 0.8) / 2), abs=1e-5)


def test_replace_puts_a_new_template_in_its_place(enrolled: CollectionClient) -> None:
    ok(enrolled.given("/enroll", KIM_AGAIN, subjectId="kim", mode="replace"), 201)
    assert ok(enrolled.subject("kim"))["templates"] == 1
    assert ok(enrolled.given("/verify", KIM, subjectId="kim"))["similarity"] < 0.81


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_strangers_are_not_added_to_a_subject(enrolled: CollectionClient, mode: str) -> None:
    refusal = enrolled.given("/enroll", STRANGER, subjectId="kim", mode=mode)
    assert code(refusal) == (409, "subject_mismatch")


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_nobody_is_added_to_an_unknown_subject(enrolled: CollectionClient, mode: str) -> None:
    refusal = enrolled.given("/enroll", STRANGER, subjectId="lee", mode=mode)
    assert code(refusal) == (404, "subject_not_found")


def test_duplicate_is_rejected_by_default_and_named(enrolled: CollectionClient) -> None:
    refusal = enrolled.given("/enroll", KIM_AGAIN, subjectId="kim2")
    assert code(refusal) == (409, "duplicate_subject")
    (duplicate,) = refusal.json()["errors"]
    assert duplicate == {"subjectId": "kim", "similarity": pytest.approx(0.8, abs=0.001)}


def test_flagged_duplicate_is_enrolled_and_named(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.given("/enroll", KIM_AGAIN, subjectId="kim2", onDuplicate="flag"), 201)
    (duplicate,) = answer["duplicates"]
    assert duplicate == {"subjectId": "kim", "similarity": pytest.approx(0.8, abs=0.001)}


def test_allowed_duplicate_is_enrolled(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.given("/enroll", KIM_AGAIN, subjectId="kim2", onDuplicate="allow"), 201)
    assert answer["duplicates"] == []


def test_profile_sets_the_threshold_of_the_duplicate_check(enrolled: CollectionClient) -> None:
    similar = at_cosine(KIM, 0.43)
    strict = enrolled.given("/enroll", similar, subjectId="lee", profile="conservative")
    assert ok(strict, 201)["duplicates"] == []
    assert code(enrolled.given("/enroll", similar, subjectId="choi")) == (409, "duplicate_subject")


@pytest.mark.parametrize(
    "field", [{"mode": "upsert"}, {"onDuplicate": "merge"}, {"profile": "no such/name"}, {"x": 1}]
)
def test_unknown_word_is_refused_by_the_name_of_its_field(
    client: CollectionClient, field: dict[str, Any]
) -> None:
    refusal = client.given("/enroll", KIM, subjectId="kim", **field)
    assert code(refusal) == (400, "invalid_request")
    assert [each["field"] for each in refusal.json()["errors"]] == list(field)


def test_metadata_comes_back(client: CollectionClient) -> None:
    metadata = {"이름": "김민지", "visits": [1, {"nested": None}], "rate": 0.5}
    ok(client.given("/enroll", KIM, subjectId="kim", metadata=metadata), 201)
    assert ok(client.subject("kim"))["metadata"] == metadata


def test_metadata_of_a_form_is_json_text(client: CollectionClient, portraits: list[Path]) -> None:
    ok(client.enroll("kim", portraits[0], metadata={"level": "gold"}), 201)
    assert ok(client.subject("kim"))["metadata"] == {"level": "gold"}


def test_metadata_may_have_4_kib_and_no_more(client: CollectionClient) -> None:
    longest = "x" * (METADATA_LIMIT - len('{"a": ""}'))
    ok(client.given("/enroll", KIM, subjectId="kim", metadata={"a": longest}), 201)
    refusal = client.given("/enroll", STRANGER, subjectId="lee", metadata={"a": longest + "x"})
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["problem"] == "too_long"


def test_metadata_limit_counts_bytes_not_letters(client: CollectionClient) -> None:
    refusal = client.given("/enroll", KIM, subjectId="kim", metadata={"a": "가" * 1400})
    assert code(refusal) == (400, "invalid_request")


@pytest.mark.parametrize("metadata", [[], "text", 1, True])
def test_metadata_must_be_an_object(client: CollectionClient, metadata: object) -> None:
    refusal = client.given("/enroll", KIM, subjectId="kim", metadata=metadata)
    assert code(refusal) == (400, "invalid_request")


def _retry(client: CollectionClient, key: str = "order-1", **fields: Any) -> httpx.Response:
    return client.given("/enroll", KIM, headers={"Idempotency-Key": key}, **fields)


def test_retry_gets_the_first_answer(client: CollectionClient) -> None:
    first = ok(_retry(client, subjectId="kim", metadata={"a": 1}), 201)
    assert ok(_retry(client, subjectId="kim", metadata={"a": 1}), 201) == first
    assert ok(client.subject("kim"))["templates"] == 1


def test_idempotency_key_belongs_to_one_request(client: CollectionClient) -> None:
    ok(_retry(client, subjectId="kim"), 201)
    assert code(_retry(client, subjectId="kim2")) == (409, "idempotency_conflict")
    assert code(_retry(client, key="order-2", subjectId="kim")) == (409, "subject_exists")


@pytest.mark.parametrize("given", ["", "x" * 129, "with space"])
def test_idempotency_key_of_another_form_is_refused(client: CollectionClient, given: str) -> None:
    refusal = _retry(client, key=given, subjectId="kim")
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == "Idempotency-Key"


def test_duplicates_are_not_named_to_who_may_not_search(
    client: CollectionClient, enroller: CollectionClient
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    refusal = enroller.given("/enroll", KIM_AGAIN, subjectId="kim2")
    assert code(refusal) == (409, "duplicate_subject")
    assert "kim" not in refusal.text


def test_flagged_duplicates_are_not_named_to_who_may_not_search(
    client: CollectionClient, enroller: CollectionClient
) -> None:
    ok(client.put(duplicatePolicy="flag"))
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    flagged = enroller.given("/enroll", KIM_AGAIN, subjectId="lee")
    (duplicate,) = ok(flagged, 201)["duplicates"]
    assert duplicate.get("subjectId") is None
    assert duplicate["similarity"] == pytest.approx(0.8, abs=0.001)
    assert "kim" not in flagged.text


@pytest.mark.parametrize("asked", [{"onDuplicate": "allow"}, {"profile": "conservative"}])
def test_word_in_the_request_does_not_sign_a_person_up_twice(
    client: CollectionClient, enroller: CollectionClient, asked: dict[str, str]
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    near = at_cosine(KIM, 0.42)
    assert code(enroller.given("/enroll", near, subjectId="eve", **asked)) == (
        409,
        "duplicate_subject",
    )
    ok(client.given("/enroll", near, subjectId="eve", **asked), 201)  # this key has `admin`
