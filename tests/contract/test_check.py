"""`POST /check`: would this picture do? It is looked at and forgotten."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from service.domain.callers import Scope
from tests.contract.collection_client import code, files, ok
from tests.contract.installation import Installation, Server
from tests.contract.tables import Tables
from tests.engine.photographs import Picture, picture

FIELDS = {"usable", "reason", "advice", "face", "quality", "ignoredFaces"}

CALLS = 40
MOST_OF_A_TOKEN = 0.6
"""Of the time that a token of a close-up takes: there nothing but the embedding is spared."""


def check(http: httpx.Client, photo: Path | bytes, **fields: str) -> dict[str, object]:
    return ok(http.post("/check", data=fields, files=files([photo])))


def test_picture_of_use(http: httpx.Client, portraits: list[Path]) -> None:
    answer = check(http, portraits[0])
    assert answer.keys() == FIELDS
    assert (answer["usable"], answer["reason"], answer["advice"]) == (True, None, None)
    assert answer["ignoredFaces"] == 0


def test_face_is_told_in_pixels_of_the_picture(http: httpx.Client, portraits: list[Path]) -> None:
    box = _box(http, portraits[0].read_bytes())
    moved = _box(http, _png(_moved(picture(portraits[0]), right=40, down=60)))
    assert moved == pytest.approx(box + np.asarray([40, 60, 0, 0]), abs=24)


def test_face_is_told_in_the_picture_as_it_is_shown(
    http: httpx.Client, portraits: list[Path], tmp_path: Path
) -> None:
    upright = _box(http, portraits[0].read_bytes())
    turned = tmp_path / "turned.png"
    with Image.open(portraits[0]) as image:
        exif = image.getexif()
        exif[0x0112] = 6  # to be shown turned to the right
        image.convert("RGB").transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    assert _box(http, turned.read_bytes()) == pytest.approx(upright, abs=6)


def test_face_is_told_in_all_pixels_of_a_large_picture(
    http: httpx.Client, portraits: list[Path]
) -> None:
    small = _box(http, portraits[0].read_bytes())
    content = picture(portraits[0]).content
    assert isinstance(content, np.ndarray)
    large = bytes(cv2.imencode(".jpg", cv2.resize(content, None, fx=16, fy=16))[1])
    assert _box(http, large) / 16 == pytest.approx(small, abs=8)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("amy_blur20.jpg", "too_blurred"),
        ("rot180.jpg", "turned"),
        ("poster60.jpg", "multiple_faces"),
    ],
)
def test_picture_of_no_use_is_told_with_its_reason_and_advice(
    http: httpx.Client, cases: Path, name: str, reason: str
) -> None:
    answer = check(http, cases / "images" / name)
    assert (answer["usable"], answer["reason"]) == (False, reason)
    assert answer["advice"]


def test_blurred_face_is_told_with_its_place_and_quality(http: httpx.Client, cases: Path) -> None:
    answer = check(http, cases / "images" / "amy_blur20.jpg")
    assert answer["face"]
    assert answer["quality"]


def test_picture_of_nothing(http: httpx.Client) -> None:
    answer = check(http, _png(Picture(np.full((200, 200, 3), 127, np.uint8))))
    assert (answer["reason"], answer["face"], answer["usable"]) == ("no_face", None, False)


def test_others_are_ignored_where_that_was_asked_for(http: httpx.Client, cases: Path) -> None:
    answer = check(http, cases / "images" / "poster60.jpg", faces="dominant")
    assert (answer["usable"], answer["ignoredFaces"]) == (True, 1)


def test_picture_in_json(http: httpx.Client, portraits: list[Path]) -> None:
    images = [base64.b64encode(portraits[0].read_bytes()).decode()]
    answer = http.post("/check", json={"images": images})
    assert ok(answer) == check(http, portraits[0])


def test_one_picture_at_a_time(http: httpx.Client, portraits: list[Path]) -> None:
    answer = http.post("/check", files=files(portraits[:2]))
    assert code(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "images"


def test_bounds_are_those_of_all_photographs(strict: Server, key: str) -> None:
    with strict.client(key) as http:
        answer = http.post("/check", files=files([b"\x89PNG\r\n\x1a\n" + b" " * 1024 * 1024]))
    assert code(answer) == (413, "image_too_large")


@pytest.mark.parametrize("scope", [Scope.TOKEN, Scope.ENROLL, Scope.VERIFY])
def test_any_of_three_scopes_will_do(
    installation: Installation, server: Server, portraits: list[Path], scope: Scope
) -> None:
    with server.client(installation.key(scope)) as http:
        assert check(http, portraits[0])["usable"]


@pytest.mark.parametrize("scope", [Scope.SEARCH, Scope.EMBEDDING, Scope.ADMIN])
def test_no_other_scope_will(
    installation: Installation, server: Server, portraits: list[Path], scope: Scope
) -> None:
    with server.client(installation.key(scope)) as http:
        answer = http.post("/check", files=files(portraits[:1]))
        assert code(answer) == (403, "not_allowed")


def test_it_needs_a_key(server: Server, portraits: list[Path]) -> None:
    with server.client() as http:
        assert code(http.post("/check", files=files(portraits[:1]))) == (401, "unauthenticated")


def test_nothing_is_written_down(http: httpx.Client, tables: Tables, portraits: list[Path]) -> None:
    before = tables.counts()
    check(http, portraits[0])
    assert tables.counts() == before


def test_it_takes_less_than_a_token(http: httpx.Client, portraits: list[Path]) -> None:
    """In turns, so that a machine that is busy is so for both; by the least of each, to which
    other work adds nothing, with a tenth on top.
    """
    seconds: dict[str, list[float]] = {"/check": [], "/token/images": []}
    for _ in range(CALLS):
        for path, taken in seconds.items():
            began = time.perf_counter()
            ok(http.post(path, files=files(portraits[:1])))
            taken.append(time.perf_counter() - began)
    checked, token = (min(taken) for taken in seconds.values())
    assert checked <= (MOST_OF_A_TOKEN + 0.1) * token


def _box(http: httpx.Client, photo: bytes) -> np.ndarray:
    face = check(http, photo)["face"]
    assert isinstance(face, dict)
    return np.asarray([face["x"], face["y"], face["width"], face["height"]])


def _moved(portrait: Picture, right: int, down: int) -> Picture:
    assert isinstance(portrait.content, np.ndarray)
    border = (down, 0, right, 0)
    moved = cv2.copyMakeBorder(portrait.content, *border, cv2.BORDER_REPLICATE)
    return Picture(np.asarray(moved, dtype=np.uint8))


def _png(one: Picture) -> bytes:
    assert isinstance(one.content, np.ndarray)
    return bytes(cv2.imencode(".png", one.content)[1])
