"""Where a face may come from, and that each way leads to the same person."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest

from tests.contract.collection_client import CollectionClient, code, files, ok
from tests.contract.installation import Server
from tests.contract.video_file import CameraVideo
from tests.domain.vectors import face_of

NOT_NORMALIZED = [0.1] * 512


def _base64(photo: Path) -> str:
    return base64.b64encode(photo.read_bytes()).decode()


@pytest.fixture
def enrolled(client: CollectionClient, portraits: list[Path]) -> CollectionClient:
    ok(client.enroll("kim", *portraits[:3]), 201)
    return client


def test_base64_is_the_same_as_a_form(enrolled: CollectionClient, portraits: list[Path]) -> None:
    form = ok(enrolled.verify("kim", portraits[3]))
    json = ok(enrolled.json("/verify", subjectId="kim", images=[_base64(portraits[3])]))
    assert json == form


def test_token_is_accepted_as_an_embedding(
    enrolled: CollectionClient, portraits: list[Path]
) -> None:
    embedding = enrolled.embedding(*portraits[:3])
    answer = ok(enrolled.json("/verify", subjectId="kim", embedding=embedding))
    assert answer["similarity"] == pytest.approx(1.0, abs=1e-6)
    assert answer["images"] == []


@pytest.mark.parametrize(
    "embedding",
    [
        [],
        [1.0],
        face_of("kim").tolist()[:511],
        [*face_of("kim").tolist(), 0.0],
        NOT_NORMALIZED,
        [0.0] * 512,
        [1e308] * 512,
    ],
    ids=["none", "one", "511", "513", "not normalized", "zero", "enormous"],
)
@pytest.mark.parametrize("path", ["/verify", "/dedupe"])
def test_embedding_of_another_form_is_invalid(
    client: CollectionClient, embedding: list[float], path: str
) -> None:
    subject: dict[str, Any] = {"subjectId": "kim"} if path == "/verify" else {}
    assert code(client.json(path, embedding=embedding, **subject)) == (422, "invalid_embedding")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_embedding_with_what_is_not_a_number_is_invalid(
    client: CollectionClient, number: str
) -> None:
    numbers = ",".join([number, *map(str, face_of("kim").tolist()[1:])])
    body = f'{{"subjectId": "kim", "embedding": [{numbers}]}}'
    refusal = client.http.post(
        "/verify", content=body, headers={"Content-Type": "application/json"}
    )
    assert code(refusal) == (422, "invalid_embedding")


SOURCES: dict[str, Any] = {
    "images": ["aGk="],
    "embedding": face_of("kim").tolist(),
    "camera": {"maxFrames": 1},
    "directory": {"dirPath": "."},
    "livenessSession": str(uuid4()),
}


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("images", "embedding"),
        ("camera", "directory"),
        ("livenessSession", "images"),
        tuple(SOURCES),
    ],
    ids=lambda names: "+".join(names) or "none",
)
def test_exactly_one_source_is_needed(client: CollectionClient, names: tuple[str, ...]) -> None:
    refusal = client.json("/verify", subjectId="kim", **{name: SOURCES[name] for name in names})
    assert code(refusal) == (400, "invalid_request")
    assert [each["problem"] for each in refusal.json()["errors"]] == ["one_source"]


def test_sentence_names_every_source(client: CollectionClient) -> None:
    for language in ("ko", "en"):
        refusal = client.json("/verify", {"Accept-Language": language}, subjectId="kim")
        (error,) = refusal.json()["errors"]
        assert all(name in error["message"] for name in SOURCES)


def test_form_without_photographs_has_no_source(client: CollectionClient) -> None:
    refusal = client.http.post("/verify", files={"subjectId": (None, "kim")})
    assert [each["problem"] for each in refusal.json()["errors"]] == ["one_source"]


def test_form_takes_photographs_or_a_session(client: CollectionClient) -> None:
    session = {"subjectId": (None, "kim"), "livenessSession": (None, str(uuid4()))}
    both = client.http.post("/verify", files={**session, "images": ("1.png", b"")})
    assert [each["problem"] for each in both.json()["errors"]] == ["one_source"]


@pytest.mark.parametrize("session", ["", "1", "not-a-session", 1, ["a"]])
def test_session_has_a_uuid(client: CollectionClient, session: object) -> None:
    refusal = client.json("/verify", subjectId="kim", livenessSession=session)
    assert code(refusal) == (400, "invalid_request")
    (error,) = refusal.json()["errors"]
    assert (error["field"], error["problem"]) == ("livenessSession", "not_a_uuid")


def test_what_is_not_base64_is_named(client: CollectionClient) -> None:
    refusal = client.json("/verify", subjectId="kim", images=["aGk=", "no base64!"])
    assert code(refusal) == (400, "invalid_request")
    assert refusal.json()["errors"][0] == {
        "field": "images.1",
        "problem": "not_base64",
        "message": "올바른 base64가 아닙니다.",
    }


def test_camera(
    enrolled: CollectionClient, camera_video: CameraVideo, portraits: list[Path]
) -> None:
    camera_video.write(portraits[3:4])
    answer = ok(enrolled.json("/verify", subjectId="kim", camera={"maxFrames": 2}))
    assert (answer["match"], len(answer["images"])) == (True, 2)


def test_camera_that_cannot_be_opened(
    enrolled: CollectionClient, camera_video: CameraVideo
) -> None:
    camera_video.remove()
    refusal = enrolled.json("/verify", subjectId="kim", camera={})
    assert code(refusal) == (503, "camera_unavailable")
    assert int(refusal.headers["Retry-After"]) > 0


def test_camera_that_sees_nobody(enrolled: CollectionClient, camera_video: CameraVideo) -> None:
    camera_video.write([])
    refusal = enrolled.json("/verify", subjectId="kim", camera={})
    assert code(refusal) == (422, "no_usable_face")


def test_directory(enrolled: CollectionClient, portraits: list[Path]) -> None:
    source = {"dirPath": str(portraits[0].parent), "maxImages": 4}
    answer = ok(enrolled.json("/verify", subjectId="kim", directory=source))
    assert (answer["match"], len(answer["images"])) == (True, 4)


def test_directory_outside_is_not_allowed(client: CollectionClient, tmp_path: Path) -> None:
    for outside in (tmp_path, tmp_path / "missing", "/", "/etc", "~", ".", "\0"):
        refusal = client.json("/dedupe", directory={"dirPath": str(outside)})
        assert code(refusal) == (403, "directory_not_allowed")


def test_no_directory_is_read_unless_the_operator_names_some(
    strict: Server, key: str, portraits: list[Path]
) -> None:
    with strict.client(key) as http:
        answer = http.post("/token/directory", json={"dirPath": str(portraits[0].parent)})
    assert code(answer) == (403, "directory_not_allowed")


def test_directory_is_not_left_by_dots(client: CollectionClient, portraits: list[Path]) -> None:
    above = portraits[0].parent / ".." / ".." / ".." / "insightface"
    refusal = client.json("/dedupe", directory={"dirPath": str(above)})
    assert code(refusal) == (403, "directory_not_allowed")


@pytest.mark.parametrize("link", ["folder", "photograph"])
def test_directory_is_not_left_by_a_symlink(
    client: CollectionClient, album: Path, tmp_path: Path, portraits: list[Path], link: str
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(portraits[0].read_bytes())
    if link == "folder":
        (album / "escape").symlink_to(tmp_path)
    else:
        (album / "escape").mkdir()
        (album / "escape" / "1.png").symlink_to(secret)
    refusal = client.json("/dedupe", directory={"dirPath": str(album / "escape")})
    assert code(refusal) == (403, "directory_not_allowed")


def test_empty_directory_has_no_usable_face(client: CollectionClient, album: Path) -> None:
    (album / "empty").mkdir()
    refusal = client.json("/dedupe", directory={"dirPath": str(album / "empty")})
    assert code(refusal) == (422, "no_usable_face")


@pytest.mark.parametrize("maximum", [0, -1, 101, "many", 1.5])
def test_maxima_are_checked(client: CollectionClient, maximum: object) -> None:
    directory = {"dirPath": "/", "maxImages": maximum}
    assert code(client.json("/dedupe", camera={"maxFrames": maximum})) == (400, "invalid_request")
    assert code(client.json("/dedupe", directory=directory)) == (400, "invalid_request")


def test_tokens_take_one_kind_of_source_each(http: httpx.Client, portraits: list[Path]) -> None:
    for path in ("/token/camera", "/token/directory"):
        refusal = http.post(path, files=files(portraits[:1]))
        assert code(refusal) == (400, "invalid_request")
    assert code(http.post("/token/images", json={"camera": {}})) == (400, "invalid_request")


def test_token_tells_failures_of_a_folder_apart(
    http: httpx.Client, album: Path, portraits: list[Path], scenes: list[Path]
) -> None:
    for name, photo in (("several", scenes[0]), ("nobody", _blank(album))):
        (album / name).mkdir()
        shutil.copy(photo, album / name)
    (album / "empty").mkdir()

    def told(name: str) -> tuple[str, list[str]]:
        answer = ok(http.post("/token/directory", json={"dirPath": str(album / name)}))
        assert (answer["success"], answer["embedding"]) == (False, None)
        assert answer["error"] == "얼굴 임베딩을 추출하지 못했습니다."
        return answer["code"], [image["reason"] for image in answer["images"]]

    assert told("missing") == ("directory_not_found", [])
    assert told("empty") == ("no_usable_face", [])
    assert told("several") == ("no_usable_face", ["multiple_faces"])
    assert told("nobody") == ("no_usable_face", ["no_face"])


def test_folder_that_does_not_exist_enrolls_nobody(client: CollectionClient, album: Path) -> None:
    refusal = client.json("/dedupe", directory={"dirPath": str(album / "missing")})
    assert code(refusal) == (422, "directory_not_found")


def _blank(folder: Path) -> Path:
    path = folder / "blank.png"
    cv2.imwrite(str(path), np.full((200, 200, 3), 127, np.uint8))
    return path


def test_token_takes_the_dominant_face_where_that_was_asked_for(
    http: httpx.Client, cases: Path
) -> None:
    photo = files([cases / "images" / "poster60.jpg"])
    refused = ok(http.post("/token/images", files=photo))
    assert (refused["success"], refused["images"][0]["reason"]) == (False, "multiple_faces")
    taken = ok(http.post("/token/images", data={"faces": "dominant"}, files=photo))
    assert (taken["success"], taken["images"][0]["ignoredFaces"]) == (True, 1)
