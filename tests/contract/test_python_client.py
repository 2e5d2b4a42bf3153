"""The client for Python: asyncio, pictures in memory, and what is never done with a key."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import cv2
import httpx
import pytest
from face_client import (
    AsyncFaceClient,
    FaceClient,
    Problem,
    Retries,
    UnexpectedAnswer,
    bgr,
    rgb,
)
from face_client.errors import BY_CODE, Conflict, SubjectNotFound, problem_of
from face_client.outcome import FIRST_PAUSE
from face_client.photos import Photo
from PIL import Image

from service.api.problems import kinds_by_code, status_of
from tests.contract.front import Front, opened
from tests.contract.installation import Server

NOBODY = "nobody"


@pytest.fixture(scope="module")
def face_client(server: Server, key: str) -> FaceClient:
    return FaceClient(server.url, key)


def test_calls_are_awaited(server: Server, key: str, portraits: list[Path]) -> None:
    async def ask() -> tuple[str, bool]:
        async with AsyncFaceClient(server.url, key) as client:
            ready, check = await asyncio.gather(client.readyz(), client.check(portraits[0]))
            with pytest.raises(SubjectNotFound):
                await client.show_subject(NOBODY)
            return ready["status"], check["usable"]

    assert asyncio.run(ask()) == ("ready", True)


def test_busy_service_is_awaited(server: Server, key: str) -> None:
    async def ask(url: str) -> str:
        async with AsyncFaceClient(url, key) as client:
            return (await client.healthz())["status"]

    with opened(Front(server.url, refusals=[503, 429])) as busy:
        assert asyncio.run(ask(busy.url)) == "alive"


def test_pictures_in_memory_show_what_the_file_shows(
    face_client: FaceClient, portraits: list[Path]
) -> None:
    array = cv2.imread(str(portraits[0]))
    assert array is not None
    photos: list[Photo] = [
        portraits[0].read_bytes(),
        bgr(array),
        rgb(array[:, :, ::-1]),
        Image.open(portraits[0]),
    ]
    boxes = [face_client.check(photo)["face"] for photo in [str(portraits[0]), *photos]]
    first, *others = boxes
    assert first is not None
    assert others[:-1] == [first] * (len(others) - 1)
    assert others[-1] is not None  # JPEG: within a pixel
    assert abs(others[-1]["x"] - first["x"]) <= 1


def test_picture_of_pil_keeps_how_it_is_turned(
    face_client: FaceClient, portraits: list[Path]
) -> None:
    turned = Image.open(portraits[0]).convert("RGB").transpose(Image.Transpose.ROTATE_90)
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be shown turned to the right
    turned.save(file, "JPEG", quality=95, exif=exif)
    assert face_client.check(Image.open(file))["usable"]


def test_array_says_which_color_comes_first(portraits: list[Path]) -> None:
    array = cv2.imread(str(portraits[0]))
    with pytest.raises(TypeError, match="bgr"):
        FaceClient.check(array)  # type: ignore[arg-type]


def test_call_that_may_not_be_done_twice_is_done_once(key: str) -> None:
    with opened(Front(refusals=[503, 503])) as busy, FaceClient(busy.url, key) as client:
        with pytest.raises(UnexpectedAnswer):
            client.delete_subject(NOBODY)
        assert len(busy.seen) == 1


def test_long_wait_fails_at_once_and_says_how_long() -> None:
    call, late = FaceClient.readyz(), httpx.Response(429, headers={"Retry-After": "900"})
    assert Retries().pause_after(call, late, tries=1) is None
    assert Retries(longest_wait=900).pause_after(call, late, tries=1) == 900
    assert Retries(longest_wait=900).pause_after(call, late, tries=3) is None


def test_pause_without_a_word_of_the_service_grows() -> None:
    lost = httpx.ConnectError("")
    call = FaceClient.healthz()
    pauses = [Retries().pause_after(call, lost, tries) for tries in (1, 2)]
    assert FIRST_PAUSE / 2 <= (pauses[0] or 0) <= FIRST_PAUSE <= (pauses[1] or 0)


def test_key_that_no_header_holds_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="no API key") as caught:
        FaceClient("http://127.0.0.1", "face_secret\r\nX: y")
    assert "face_secret" not in str(caught.value)


def test_line_end_of_a_key_file_is_no_part_of_the_key(server: Server, key: str) -> None:
    with FaceClient(server.url, f"{key}\n") as client:
        assert client.list_collections(limit=1)["collections"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_names_nothing_makes_no_address(name: str) -> None:
    with pytest.raises(ValueError, match="names nothing"):
        FaceClient.delete_collection(name)


def test_name_of_a_file_is_not_sent(tmp_path: Path) -> None:
    photo = tmp_path / "Kim at the bank.jpg"
    photo.write_bytes(b"face")
    call = FaceClient.enroll("kim", photo)
    request = httpx.Client(base_url="http://127.0.0.1").build_request(**call.request())
    assert b"bank" not in request.read()


def test_every_code_has_a_class() -> None:
    for code, kind in kinds_by_code().items():
        error = problem_of(status_of(kind), {"code": code})
        assert error.code == code
        assert type(error) is not Problem


def test_client_knows_no_code_that_the_service_has_not() -> None:
    assert BY_CODE.keys() <= kinds_by_code().keys()


def test_unknown_code_is_kept_in_the_class_of_its_status() -> None:
    error = problem_of(409, {"code": "of_tomorrow", "detail": "New."})
    assert (type(error), str(error)) == (Conflict, "409 of_tomorrow: New.")
