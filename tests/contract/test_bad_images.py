"""Uploads that are no photographs, or strange ones: a clear answer, and nothing stored."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.tables import Tables

TEN_MEBIBYTES = 10 * 1024 * 1024


@pytest.fixture(autouse=True)
def _nothing_is_stored(client: CollectionClient, tables: Tables) -> Iterator[None]:
    """Whatever a test sends, the tables stay as they are."""
    before = tables.counts()
    yield
    assert tables.counts() == before


@pytest.fixture(scope="module")
def portrait(people: dict[str, list[Path]]) -> Pillow.Image:
    with Pillow.open(next(iter(people.values()))[0]) as image:
        return image.convert("RGB")


def encoded(image: Pillow.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def promising(width: int, height: int) -> bytes:
    """A PNG of this size with a few bytes of pixels (W3C PNG, 11.2)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(b"\0" * 100), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks.items())


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def reason(client: CollectionClient, image: bytes) -> str:
    refusal = client.enroll("kim", image)
    assert code(refusal) == (422, "no_usable_face")
    (problem,) = refusal.json()["errors"]
    assert problem["advice"]
    return str(problem["reason"])


def test_truncated_jpeg_is_unreadable(client: CollectionClient, portrait: Pillow.Image) -> None:
    jpeg = encoded(portrait, "JPEG")
    assert reason(client, jpeg[: len(jpeg) // 2]) == "unreadable"


def test_empty_file_is_unreadable(client: CollectionClient) -> None:
    assert reason(client, b"") == "unreadable"


def test_header_without_pixels_is_unreadable(client: CollectionClient) -> None:
    assert reason(client, promising(640, 480)) == "unreadable"


def test_picture_of_nobody_has_no_face(client: CollectionClient) -> None:
    assert reason(client, encoded(Pillow.new("RGB", (640, 480), "grey"), "PNG")) == "no_face"


@pytest.mark.parametrize("side", [1, 2, 7])
def test_picture_of_a_few_pixels_has_no_face(client: CollectionClient, side: int) -> None:
    assert reason(client, encoded(Pillow.new("RGB", (side, side)), "PNG")) == "no_face"


def test_picture_of_extreme_proportions_has_no_face(client: CollectionClient) -> None:
    assert reason(client, encoded(Pillow.new("RGB", (20_000, 1)), "PNG")) == "no_face"


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_not_supported(
    client: CollectionClient, portrait: Pillow.Image, form: str
) -> None:
    refusal = client.enroll("kim", encoded(portrait, form))
    assert code(refusal) == (415, "unsupported_image")


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.7", b"<svg/>", b"\0" * 1000, b"MZ"])
def test_what_is_no_image_is_not_supported(client: CollectionClient, content: bytes) -> None:
    assert code(client.enroll("kim", content)) == (415, "unsupported_image")


def test_one_bad_upload_refuses_the_good_ones_beside_it(
    client: CollectionClient, portraits: list[Path]
) -> None:
    refusal = client.enroll("kim", portraits[0], b"hello")
    assert code(refusal) == (415, "unsupported_image")
    (told,) = refusal.json()["errors"]
    assert (told["index"], told["accepted"], told["reason"]) == (1, False, "unreadable")


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (20_001, 1)])
def test_enormous_picture_is_refused_by_its_header(
    client: CollectionClient, size: tuple[int, int]
) -> None:
    assert code(client.enroll("kim", promising(*size))) == (413, "image_too_large")


def test_image_of_too_many_bytes_is_refused(
    client: CollectionClient, portraits: list[Path]
) -> None:
    padded = portraits[0].read_bytes().ljust(TEN_MEBIBYTES + 1, b"\0")
    refusal = client.enroll("kim", padded)
    assert code(refusal) == (413, "image_too_large")
    assert "10 MiB" in refusal.json()["detail"]


def test_21_images_are_too_many(client: CollectionClient, portrait: Pillow.Image) -> None:
    small = encoded(portrait.resize((16, 16)), "PNG")
    assert code(client.enroll("kim", *[small] * 21)) == (413, "too_many_images")
    assert code(client.json("/dedupe", images=["aGk="] * 21)) == (413, "too_many_images")


def test_20_images_are_not_too_many(client: CollectionClient) -> None:
    assert code(client.enroll("kim", *[b""] * 20)) == (422, "no_usable_face")


MODES = {
    "grey": lambda image: encoded(image.convert("L"), "PNG"),
    "16 bits": lambda image: encoded(
        image.convert("L").convert("I").point(lambda value: value * 257).convert("I;16"), "PNG"
    ),
    "CMYK": lambda image: encoded(image.convert("CMYK"), "JPEG"),
    "alpha": lambda image: encoded(image.convert("RGBA"), "PNG"),
    "palette": lambda image: encoded(image.convert("P"), "PNG"),
    "WebP": lambda image: encoded(image, "WEBP"),
}


@pytest.mark.parametrize("mode", MODES)
def test_face_is_recognized_in_every_kind_of_picture(
    client: CollectionClient, portrait: Pillow.Image, portraits: list[Path], mode: str
) -> None:
    reference = client.embedding(portraits[0])
    seen = client.embedding(MODES[mode](portrait))
    assert sum(a * b for a, b in zip(reference, seen, strict=True)) > 0.6


@pytest.fixture
def pictures(cases: Path) -> Path:
    return cases / "images"


@pytest.mark.parametrize("name", ["scans100.jpg", "animated-6000.webp"])
def test_picture_that_costs_too_much_is_unreadable_whichever_way_it_comes(
    client: CollectionClient, pictures: Path, name: str
) -> None:
    image = (pictures / name).read_bytes()
    assert reason(client, image) == "unreadable"
    (problem, *_) = client.json("/dedupe", images=[base64.b64encode(image).decode()] * 4).json()[
        "errors"
    ]
    assert problem["reason"] == "unreadable"


def test_face_that_no_viewer_shows_is_no_face(client: CollectionClient, pictures: Path) -> None:
    assert reason(client, (pictures / "hidden_face.png").read_bytes()) == "no_face"


@pytest.mark.parametrize("name", ["no_eoi.jpg", "iphone.heic", "heic_named.jpg"])
def test_picture_that_every_viewer_shows_is_taken(
    client: CollectionClient, pictures: Path, name: str
) -> None:
    assert len(client.embedding(pictures / name)) == 512


def test_service_answers_after_all_of_this(client: CollectionClient, portraits: list[Path]) -> None:
    assert ok(client.dedupe(portraits[0]))["duplicate"] is False
