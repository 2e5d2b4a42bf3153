"""Lists of subjects, a page at a time."""

from __future__ import annotations

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.domain.vectors import face_of

NAMES = ["A", "a.b", "b:1", "c@shop", "kim-1", "kim_2", "z" * 128]


@pytest.fixture
def crowd(client: CollectionClient) -> CollectionClient:
    for name in NAMES:
        ok(client.given("/enroll", face_of(name), subjectId=name), 201)
    return client


def test_pages_hold_everybody_once_in_order(crowd: CollectionClient) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in NAMES:
        page = ok(crowd.subjects(limit=2, **cursor))
        seen += [one["subjectId"] for one in page["subjects"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == sorted(NAMES)


def test_last_full_page_has_no_next(crowd: CollectionClient) -> None:
    assert ok(crowd.subjects(limit=len(NAMES)))["nextCursor"] is None


def test_somebody_deleted_between_two_pages_does_not_disturb(crowd: CollectionClient) -> None:
    first = ok(crowd.subjects(limit=2))
    ok(crowd.delete(first["nextCursor"]))
    second = ok(crowd.subjects(limit=100, cursor=first["nextCursor"]))
    assert [one["subjectId"] for one in second["subjects"]] == sorted(NAMES)[2:]


def test_every_permitted_name_works_in_a_path(crowd: CollectionClient) -> None:
    for name in NAMES:
        assert ok(crowd.subject(name))["subjectId"] == name
        assert ok(crowd.delete(name))["templatesDeleted"] == 1


def test_empty_collection_has_an_empty_page(client: CollectionClient) -> None:
    assert ok(client.subjects()) == {"subjects": [], "nextCursor": None}


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "a/b"}, {"cursor": "\0"}]
)
def test_query_is_checked(client: CollectionClient, query: dict[str, object]) -> None:
    refusal = client.subjects(**query)
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0]["field"] == next(iter(query))


def test_unknown_subject_is_not_found(client: CollectionClient) -> None:
    for refusal in (client.subject("kim"), client.delete("kim")):
        assert code(refusal) == (404, "subject_not_found")
