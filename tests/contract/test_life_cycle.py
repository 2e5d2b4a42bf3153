"""Expiry, retention, consent and export, as callers see them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation
from tests.contract.tables import Tables
from tests.domain.vectors import face_of

KIM = face_of("kim")
LIFE = 4
"""Seconds from which an enrollment on a busy machine is over before they are."""

SECONDS = 60
"""How long to wait for what must happen."""

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def _enroll(client: CollectionClient, **fields: Any) -> dict[str, Any]:
    return ok(client.given("/enroll", KIM, subjectId="kim", **fields), 201)


@pytest.fixture
def expired(client: CollectionClient) -> CollectionClient:
    """Kim's time is over."""
    ends = datetime.now(UTC) + timedelta(seconds=LIFE)
    _enroll(client, expiresAt=ends.isoformat(), metadata={"a": 1})
    while datetime.now(UTC) <= ends:
        time.sleep(0.1)
    return client


def test_expired_person_is_unknown_to_every_call(expired: CollectionClient) -> None:
    refusals = [
        expired.given("/verify", KIM, subjectId="kim"),
        expired.subject("kim"),
        expired.export("kim"),
        expired.delete("kim"),
        expired.withdraw_consent("kim"),
        expired.given("/enroll", KIM, subjectId="kim", mode="add"),
    ]
    assert [code(one) for one in refusals] == [(404, "subject_not_found")] * len(refusals)
    assert ok(expired.given("/dedupe", KIM))["searched"] == 0
    assert ok(expired.given("/identify", KIM))["candidates"] == []
    assert ok(expired.subjects())["subjects"] == []


def test_expired_name_and_face_can_be_enrolled_again(expired: CollectionClient) -> None:
    _enroll(expired)
    assert ok(expired.subject("kim"))["metadata"] is None


def test_server_purges_by_itself(
    expired: CollectionClient, installation: Installation, tables: Tables
) -> None:
    before = tables.counts()["subjects"]
    deadline = time.monotonic() + SECONDS
    with installation.serving(purge_interval=1) as server, server.client() as http:
        while tables.counts()["subjects"] == before:
            assert time.monotonic() < deadline
            ok(http.get("/healthz"))


def test_moment_comes_back_in_utc(client: CollectionClient) -> None:
    _enroll(client, expiresAt=TOMORROW.astimezone().isoformat())
    shown = ok(client.subject("kim"))["expiresAt"]
    assert datetime.fromisoformat(shown) == TOMORROW
    assert shown.endswith("Z")


def test_terms_of_a_form_are_text(client: CollectionClient, portraits: list[Path]) -> None:
    terms = {"expiresAt": TOMORROW.isoformat(), "consentReference": "form-1"}
    ok(client.enroll("kim", portraits[0], **terms), 201)
    assert ok(client.subject("kim"))["consentReference"] == "form-1"


@pytest.mark.parametrize(
    "moment",
    [
        "2001-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "2101-01-01T00:00:00",
        "2101-01-01",
        "2101-02-30T00:00:00Z",
        "2101-01-01 00:00:00Z",
        "tomorrow",
        "",
        4102444800,
        True,
    ],
)
def test_moment_must_be_rfc_3339_with_its_zone_and_lie_ahead(
    client: CollectionClient, moment: object
) -> None:
    refusal = client.given("/enroll", KIM, subjectId="kim", expiresAt=moment)
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == "expiresAt"


@pytest.mark.parametrize("reference", ["", "x" * 257, "two\nlines", "nul\0", 7])
def test_reference_is_up_to_256_printable_characters(
    client: CollectionClient, reference: object
) -> None:
    refusal = client.given("/enroll", KIM, subjectId="kim", consentReference=reference)
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == "consentReference"


def test_reference_may_be_of_any_script(client: CollectionClient) -> None:
    reference = "동의서 " + "가" * 252
    _enroll(client, consentReference=reference)
    assert ok(client.subject("kim"))["consentReference"] == reference


def test_without_terms_there_are_none(client: CollectionClient) -> None:
    _enroll(client)
    answer = ok(client.subject("kim"))
    assert (answer["expiresAt"], answer["consentReference"]) == (None, None)


def test_retention_of_the_collection_ends_an_enrollment(client: CollectionClient) -> None:
    """Whom it has ended is unknown: tests/usecases/test_expiry.py, which has a clock to turn."""
    assert ok(client.put(retentionDays=1))["retentionDays"] == 1
    enrolled = datetime.fromisoformat(_enroll(client)["enrolledAt"])
    shown = ok(client.subject("kim"))["expiresAt"]
    assert datetime.fromisoformat(shown) == enrolled + timedelta(days=1)


def test_who_withdraws_consent_is_forgotten(client: CollectionClient) -> None:
    _enroll(client, consentReference="form-1")
    assert ok(client.withdraw_consent("kim"))["templatesDeleted"] == 1
    assert code(client.subject("kim")) == (404, "subject_not_found")
    assert ok(client.given("/identify", KIM))["candidates"] == []


def test_export_is_what_was_given(client: CollectionClient) -> None:
    terms = {"expiresAt": TOMORROW.isoformat(), "consentReference": "form-1"}
    body = {"subjectId": "kim", "metadata": {"이름": "김민지"}, **terms}
    ok(client.given("/enroll", KIM, headers={"Idempotency-Key": "order-1"}, **body), 201)
    answer = ok(client.export("kim"))
    assert answer["templates"][0]["embedding"] == pytest.approx(KIM.tolist(), abs=1e-6)
    assert answer["metadata"] == {"이름": "김민지"}
    assert answer["consentReference"] == "form-1"
    assert [one["action"] for one in answer["audit"]] == ["enroll", "export"]
    assert [one["idempotencyKey"] for one in answer["answers"]] == ["order-1"]


def test_export_needs_the_scope_admin(client: CollectionClient, enroller: CollectionClient) -> None:
    _enroll(client)
    assert code(enroller.export("kim")) == (403, "not_allowed")
