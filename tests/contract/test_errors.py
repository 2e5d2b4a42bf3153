"""Problem documents: their members, their languages, the headers beside them."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.tables import Tables
from tests.domain.vectors import face_of

KOREAN = re.compile("[가-힣]")
ENGLISH = {"Accept-Language": "en"}


def not_found(http: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return http.get("/admin/subjects/nobody", headers=headers)


def test_problem_document(http: httpx.Client) -> None:
    answer = http.get("/admin/subjects/nobody")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/docs/errors#subject_not_found",
        "title": "등록된 사람이 아닙니다.",
        "status": 404,
        "detail": "subjectId와 collection을 확인하거나, 먼저 등록해 주세요.",
        "code": "subject_not_found",
        "requestId": answer.headers["X-Request-Id"],
    }


@pytest.mark.parametrize(
    ("accepted", "korean"),
    [
        ("en", False),
        ("en-GB,en;q=0.9", False),
        ("ko", True),
        ("ko-KR,ko;q=0.9,en;q=0.8", True),
        ("en;q=0.5, ko;q=0.9", True),
        ("fr", True),
        ("*", True),
        ("", True),
        (";;q=x,,", True),
    ],
)
def test_language_follows_the_caller(http: httpx.Client, accepted: str, korean: bool) -> None:
    document = not_found(http, {"Accept-Language": accepted}).json()
    assert bool(KOREAN.search(document["title"] + document["detail"])) is korean
    assert document["code"] == "subject_not_found"


def test_advice_follows_the_caller(http: httpx.Client, client: CollectionClient) -> None:
    body = {"collection": client.collection, "images": [""]}
    (korean,) = http.post("/dedupe", json=body).json()["errors"]
    (english,) = http.post("/dedupe", json=body, headers=ENGLISH).json()["errors"]
    assert KOREAN.search(korean["advice"])
    assert not KOREAN.search(english["advice"])
    assert korean["reason"] == english["reason"] == "unreadable"


def test_problems_of_fields_follow_the_caller(http: httpx.Client) -> None:
    (problem,) = http.post("/verify", json={"images": [""]}, headers=ENGLISH).json()["errors"]
    assert problem == {
        "field": "subjectId",
        "problem": "missing",
        "message": "This field is needed.",
    }


def test_unknown_address(http: httpx.Client) -> None:
    assert code(http.get("/nowhere")) == (404, "not_found")


def test_wrong_method_names_the_right_one(http: httpx.Client) -> None:
    answer = http.get("/enroll")
    assert code(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_wrong_method_names_all_right_ones(http: httpx.Client) -> None:
    for path, methods in {
        "/admin/subjects/kim": "DELETE, GET, HEAD",
        "/admin/collections/default": "DELETE, GET, HEAD, PATCH, PUT",
    }.items():
        answer = http.post(path)
        assert code(answer) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == methods


def test_template_of_another_model_is_not_compared(
    client: CollectionClient, tables: Tables
) -> None:
    ok(client.given("/enroll", face_of("kim"), subjectId="kim"), 201)
    tables.change(
        "UPDATE templates SET model_id = 'older@sha256:0' FROM collections"
        " WHERE templates.collection_id = collections.collection_id AND name = :name",
        name=client.collection,
    )
    refusal = client.given("/verify", face_of("kim"), subjectId="kim")
    assert code(refusal) == (409, "model_mismatch")
    assert "older@sha256:0" in refusal.json()["detail"]


def test_every_answer_has_an_id(http: httpx.Client) -> None:
    answers = [
        http.get("/healthz"),
        http.get("/nowhere"),
        http.get("/enroll"),
        http.post("/enroll", json={}),
        http.post("/enroll/"),
        http.post("/token/images", json={"images": [""]}),
        http.get("/healthz", headers={"Authorization": "Bearer nonsense"}),
        http.get("/admin/subjects", headers={"Authorization": "Bearer nonsense"}),
        http.request("OPTIONS", "/enroll"),
        http.head("/enroll"),
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(answers)


@pytest.mark.parametrize("given", ["order-7", "a" * 64, "0.1_x"])
def test_harmless_id_of_the_caller_is_kept(http: httpx.Client, given: str) -> None:
    assert http.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>", "a\tb"])
def test_other_id_of_the_caller_is_replaced(http: httpx.Client, given: str) -> None:
    answer = http.get("/healthz", headers={"X-Request-Id": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_answers_are_not_stored_on_the_way(http: httpx.Client) -> None:
    assert http.get("/admin/subjects").headers["Cache-Control"] == "no-store"
