"""Vectors and exact similarities are for keys that may send vectors; others cannot measure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import at_cosine, face_of

KIM = face_of("kim")
WITHOUT_VECTORS = tuple(set(Scope) - {Scope.EMBEDDING})
CALLS: dict[str, dict[str, Any]] = {
    "/enroll": {"subjectId": "lee"},
    "/verify": {"subjectId": "kim"},
    "/dedupe": {},
    "/identify": {},
}


@pytest.fixture(scope="module")
def plain_key(installation: Installation) -> str:
    """All scopes but the one for vectors."""
    return installation.key(*WITHOUT_VECTORS)


@pytest.fixture
def plain(server: Server, plain_key: str, client: CollectionClient) -> Iterator[CollectionClient]:
    with server.client(plain_key) as http:
        yield CollectionClient(http, client.collection)


def hundredths(similarity: float) -> bool:
    return round(similarity, 2) == similarity


@pytest.mark.parametrize("path", CALLS)
def test_vector_needs_the_scope_embedding(
    client: CollectionClient, plain: CollectionClient, path: str
) -> None:
    client.given("/enroll", KIM, subjectId="kim")
    answer = plain.given(path, KIM, **CALLS[path])
    assert code(answer) == (403, "not_allowed")
    assert answer.json()["errors"] == [{"scope": "embedding"}]
    assert client.subjects().json()["subjects"][0]["subjectId"] == "kim"


@pytest.mark.parametrize("path", CALLS)
def test_scope_embedding_is_not_enough_by_itself(
    server: Server, installation: Installation, client: CollectionClient, path: str
) -> None:
    with server.client(installation.key(Scope.EMBEDDING)) as http:
        answer = CollectionClient(http, client.collection).given(path, KIM, **CALLS[path])
    assert code(answer) == (403, "not_allowed")


def test_vector_is_refused_before_an_earlier_answer_is_looked_up(
    client: CollectionClient, plain: CollectionClient
) -> None:
    headers = {"Idempotency-Key": "1"}
    answer = plain.json("/enroll", headers, subjectId="kim", embedding=KIM.tolist())
    assert code(answer) == (403, "not_allowed")


def test_refused_vector_is_in_the_audit_log(
    client: CollectionClient, plain: CollectionClient
) -> None:
    plain.given("/verify", KIM, subjectId="kim")
    record = client.http.get("/admin/audit", params={"limit": 1}).json()["records"][0]
    assert (record["action"], record["outcome"]) == ("POST /verify", "not_allowed")


def test_token_answers_embeddings_to_token_keys(
    server: Server, installation: Installation, portraits: list[Path]
) -> None:
    with server.client(installation.key(Scope.TOKEN)) as http:
        assert len(CollectionClient(http, "default").embedding(portraits[0])) == 512


def test_similarities_are_told_in_hundredths(
    client: CollectionClient, plain: CollectionClient, portraits: list[Path]
) -> None:
    ok(client.enroll("kim", portraits[0]), 201)
    verified, exact = ok(plain.verify("kim", portraits[1])), ok(client.verify("kim", portraits[1]))
    assert hundredths(verified["similarity"])
    assert not hundredths(exact["similarity"])
    assert 0 <= exact["similarity"] - verified["similarity"] < 0.01
    for call in (CollectionClient.dedupe, CollectionClient.identify):
        (rounded,) = ok(call(plain, portraits[1]))["candidates"]
        (full,) = ok(call(client, portraits[1]))["candidates"]
        assert rounded["similarity"] == verified["similarity"]
        assert full["similarity"] == exact["similarity"]


def test_refused_duplicate_is_told_in_hundredths(
    server: Server,
    installation: Installation,
    client: CollectionClient,
    plain: CollectionClient,
    portraits: list[Path],
) -> None:
    ok(client.enroll("kim", portraits[0]), 201)
    with server.client(installation.key(Scope.ENROLL)) as http:
        for caller in (plain, CollectionClient(http, client.collection)):
            refusal = caller.enroll("lee", portraits[1])
            assert code(refusal) == (409, "duplicate_subject")
            assert all(hundredths(each["similarity"]) for each in refusal.json()["errors"])
    (full,) = client.enroll("lee", portraits[1]).json()["errors"]
    assert not hundredths(full["similarity"])


def test_flagged_duplicate_is_told_in_hundredths_to_the_retry_as_well(
    client: CollectionClient, plain: CollectionClient, portraits: list[Path]
) -> None:
    ok(client.put(duplicatePolicy="flag"))
    ok(client.enroll("kim", portraits[0]), 201)
    body = {"collection": plain.collection, "subjectId": "lee"}
    photo = {"images": ("1.png", portraits[1].read_bytes())}
    headers = {"Idempotency-Key": "1"}
    for _ in range(2):
        answer = plain.http.post("/enroll", data=body, files=photo, headers=headers)
        (duplicate,) = ok(answer, 201)["duplicates"]
        assert hundredths(duplicate["similarity"])


@pytest.fixture(scope="module")
def banded(installation: Installation) -> Iterator[Server]:
    with installation.serving(reply_similarity="band") as server:
        yield server


def test_kept_answer_is_told_by_the_setting_of_now(
    server: Server,
    banded: Server,
    installation: Installation,
    client: CollectionClient,
    portraits: list[Path],
) -> None:
    ok(client.put(duplicatePolicy="flag"))
    ok(client.enroll("kim", portraits[0]), 201)
    body = {"collection": client.collection, "subjectId": "lee"}
    photo = {"images": ("1.png", portraits[1].read_bytes())}
    key = installation.key(Scope.ENROLL)

    def told(by: Server) -> float | None:
        with by.client(key) as http:
            answer = http.post("/enroll", data=body, files=photo, headers={"Idempotency-Key": "1"})
        similarity: float | None = ok(answer, 201)["duplicates"][0]["similarity"]
        return similarity

    assert hundredths(told(server) or 0.001)
    assert told(banded) is None


def test_bands_alone_where_the_service_is_set_so(
    banded: Server, plain_key: str, client: CollectionClient, portraits: list[Path]
) -> None:
    ok(client.enroll("kim", portraits[0]), 201)
    with banded.client(plain_key) as http:
        plain = CollectionClient(http, client.collection)
        verified = ok(plain.verify("kim", portraits[1]))
        assert (verified["match"], verified["similarity"]) == (True, None)
        assert verified["band"] in ("high", "very_high")
        (found,) = ok(plain.identify(portraits[1]))["candidates"]
        assert (found["subjectId"], found["similarity"]) == ("kim", None)
        assert plain.enroll("lee", portraits[1]).json()["errors"] == [
            {"subjectId": "kim", "similarity": None}
        ]


def test_key_for_vectors_is_told_all_where_others_see_bands(
    banded: Server, key: str, client: CollectionClient
) -> None:
    client.given("/enroll", KIM, subjectId="kim")
    with banded.client(key) as http:
        probe = at_cosine(KIM, 0.41234)
        answer = ok(
            CollectionClient(http, client.collection).given("/verify", probe, subjectId="kim")
        )
    assert answer["similarity"] == pytest.approx(0.41234, abs=1e-4)
