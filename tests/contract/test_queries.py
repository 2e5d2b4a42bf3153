"""A query parameter that a call does not have is refused before anything happens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.domain.vectors import face_of

ENGLISH = {"Accept-Language": "en"}


def test_misspelled_collection_deletes_nobody(http: httpx.Client, client: CollectionClient) -> None:
    default = CollectionClient(http, "default")
    for where in (default, client):
        ok(where.given("/enroll", face_of("kim"), subjectId="kim-of-two"), 201)
    refusal = http.delete("/admin/subjects/kim-of-two", params={"colection": client.collection})
    assert code(refusal) == (400, "invalid_request")
    assert [ok(where.subject("kim-of-two"))["templates"] for where in (default, client)] == [1, 1]
    ok(default.delete("kim-of-two"))


def test_every_route_refuses_what_it_does_not_know(http: httpx.Client) -> None:
    document: dict[str, Any] = ok(http.get("/openapi.json"))
    calls = [(method, path) for path, item in document["paths"].items() for method in item]
    pages = [("get", path) for path in ("/docs", "/docs/errors", "/redoc", "/openapi.json")]
    for method, path in calls + pages + [("head", "/healthz")]:
        answer = http.request(method, path.replace("{", "").replace("}", ""), params={"x": "1"})
        assert answer.status_code == 400, (method, path)


@pytest.mark.parametrize(
    ("path", "query", "field", "message"),
    [
        (
            "/admin/subjects",
            {"colection": "a"},
            "colection",
            "There is no such field. The nearest name is collection.",
        ),
        (
            "/admin/subjects",
            {"zzz": "1"},
            "zzz",
            "There is no such field. There are: collection, cursor, limit.",
        ),
        ("/healthz", {"verbose": "1"}, "verbose", "There is no such field."),
        (
            "/admin/subjects",
            {"limit": "0"},
            "limit",
            "The value is out of range. It must be at least 1. It must be at most 500.",
        ),
        ("/admin/subjects", {"limit": "many"}, "limit", "It must be a whole number."),
        (
            "/admin/subjects",
            {"collection": ["a", "b"]},
            "collection",
            "It is given more than once.",
        ),
    ],
)
def test_refusal_tells_what_would_be_right(
    http: httpx.Client, path: str, query: dict[str, Any], field: str, message: str
) -> None:
    answer = http.get(path, params=query, headers=ENGLISH)
    assert code(answer) == (400, "invalid_request")
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["message"]) == (field, message)


def test_field_of_a_body_is_sent_there(http: httpx.Client) -> None:
    answer = http.post("/dedupe", params={"collection": "a"}, headers=ENGLISH)
    assert code(answer) == (400, "invalid_request")
    (problem,) = answer.json()["errors"]
    assert problem["message"] == ("This call has no query parameters: its fields go into the body.")


def test_endless_query_is_not_read(http: httpx.Client) -> None:
    answer = http.get("/admin/subjects?" + "a&" * 4000)
    assert code(answer) == (400, "invalid_request")
    assert [each["problem"] for each in answer.json()["errors"]] == ["too_long"]
