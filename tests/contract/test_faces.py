"""Which faces count: as the request says, or else the collection, or else the service."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation
from tests.engine.photographs import picture, side_by_side, with_face_behind

People = dict[str, list[Path]]


@pytest.fixture(scope="module")
def poster(cases: Path) -> bytes:
    """Amy in the middle, and a small portrait on the wall."""
    return (cases / "images" / "poster60.jpg").read_bytes()


def joined(people: People, person: str, number: int) -> bytes:
    """A photograph of a person with somebody small behind them."""
    behind = next(name for name in people if name != person)
    return encoded(with_face_behind(picture(people[person][number]), picture(people[behind][0])))


def encoded(one: object) -> bytes:
    content = getattr(one, "content", None)
    assert isinstance(content, np.ndarray)
    return bytes(cv2.imencode(".png", content)[1])


def test_second_face_is_refused_by_default(client: CollectionClient, poster: bytes) -> None:
    answer = client.enroll("amy", poster)
    assert code(answer) == (422, "no_usable_face")
    assert answer.json()["errors"][0]["reason"] == "multiple_faces"


def test_request_has_the_others_ignored(client: CollectionClient, poster: bytes) -> None:
    answer = ok(client.enroll("amy", poster, faces="dominant"), 201)
    assert [image["ignoredFaces"] for image in answer["images"]] == [1]


def test_request_in_json_has_the_others_ignored(client: CollectionClient, poster: bytes) -> None:
    images = [base64.b64encode(poster).decode()]
    answer = client.json("/enroll", images=images, subjectId="amy", faces="dominant")
    assert ok(answer, 201)["images"][0]["ignoredFaces"] == 1


def test_every_call_about_a_face_takes_it(client: CollectionClient, people: People) -> None:
    crowded = joined(people, "amy", 1)
    ok(client.enroll("amy", *people["amy"][:1]), 201)
    assert code(client.verify("amy", crowded)) == (422, "no_usable_face")
    assert ok(client.verify("amy", crowded, faces="dominant"))["match"]
    assert ok(client.dedupe(crowded, faces="dominant"))["duplicate"]
    assert ok(client.identify(crowded, faces="dominant"))["match"]


def test_collection_has_the_others_ignored_where_a_request_does_not_say(
    client: CollectionClient, people: People
) -> None:
    crowded = joined(people, "amy", 1)
    ok(client.put(faces="dominant"))
    ok(client.enroll("amy", crowded), 201)
    assert ok(client.verify("amy", crowded))["match"]
    assert ok(client.dedupe(crowded))["duplicate"]
    assert ok(client.identify(crowded))["match"]
    assert code(client.verify("amy", crowded, faces="one")) == (422, "no_usable_face")


def test_two_people_side_by_side_are_multiple_faces(
    client: CollectionClient, people: People
) -> None:
    beside = side_by_side(picture(people["amy"][0]), picture(people["raj"][0]))
    answer = client.enroll("amy", encoded(beside), faces="dominant")
    assert answer.json()["errors"][0]["reason"] == "multiple_faces"


def test_dominant_faces_of_one_call_must_be_one_persons(
    client: CollectionClient, people: People
) -> None:
    photos = [joined(people, "amy", 0), joined(people, "amy", 1), joined(people, "raj", 0)]
    answer = client.enroll("amy", *photos, faces="dominant")
    assert code(answer) == (422, "inconsistent_images")


def test_other_word_is_refused_and_told_what_is_allowed(
    client: CollectionClient, poster: bytes
) -> None:
    answer = client.enroll("amy", poster, faces="largest")
    assert code(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "faces"
    assert "dominant" in answer.json()["errors"][0]["message"]


def test_unknown_collection_is_told_before_photographs_are_looked_at(
    client: CollectionClient, poster: bytes
) -> None:
    nowhere = CollectionClient(client.http, "nowhere")
    assert code(nowhere.verify("amy", poster)) == (404, "collection_not_found")


def test_retry_gets_the_first_answer(client: CollectionClient, poster: bytes) -> None:
    images = [base64.b64encode(poster).decode()]
    fields = {"images": images, "subjectId": "amy", "faces": "dominant"}
    headers = {"Idempotency-Key": client.collection}
    first = ok(client.json("/enroll", headers, **fields), 201)
    assert ok(client.json("/enroll", headers, **fields), 201) == first
    other = client.json("/enroll", headers, **{**fields, "faces": "one"})
    assert code(other) == (409, "idempotency_conflict")


def test_service_has_the_others_ignored_where_nobody_says(
    installation: Installation, key: str, poster: bytes, people: People
) -> None:
    with installation.serving(faces="dominant") as server, server.client(key) as http:
        client = CollectionClient(http, "default")
        assert client.embedding(poster)
        assert ok(client.dedupe(poster))["searched"] >= 0
        assert code(client.dedupe(poster, faces="one")) == (422, "no_usable_face")
