"""What a picture costs is bounded by its header, before a decoder sees any of it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL.WebPImagePlugin import WebPImageFile

from service.capture import chunks, jpeg_markers
from service.capture import picture as bounded
from service.capture.chunks import MAX_PNG_CHUNKS, read_png
from service.capture.images import EncodedPhotograph, ImageLimits
from service.capture.jpeg_markers import MAX_SCANS, MAX_SEGMENTS, read_jpeg
from service.capture.picture import OpenCvPicture
from service.domain.face import Reason
from tests.capture.pictures import LIMITS, _chunk, encoded, image_of, noise, picture, png_header

JPEG = encoded(picture(), "JPEG")
PROGRESSIVE = encoded(picture(), "JPEG", progressive=True)
PNG = encoded(picture(), "PNG")
PNG_HEAD = 33
"""Bytes of signature and IHDR."""


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("a decoder was asked")

    monkeypatch.setattr(bounded, "decoded", never)
    monkeypatch.setattr(jpeg_markers, "decoded", never)


def segment(code: int, content: bytes = b"") -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(content) + 2) + content


def with_segments(*segments: bytes) -> bytes:
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def with_chunks(*chunks: bytes) -> bytes:
    return PNG[:PNG_HEAD] + b"".join(chunks) + PNG[PNG_HEAD:]


def scans(data: bytes) -> int:
    return data.count(b"\xff\xda")


def with_scans(wanted: int) -> bytes:
    """The last one again and again."""
    last = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    return PROGRESSIVE[:-2] + last * (wanted - scans(PROGRESSIVE)) + PROGRESSIVE[-2:]


@pytest.mark.parametrize("name", ["scans100.jpg", "animated-6000.webp"])
@pytest.mark.usefixtures("no_decoder")
def test_the_cases_are_refused_by_their_headers(cases: Path, name: str) -> None:
    photograph = EncodedPhotograph((cases / "images" / name).read_bytes(), LIMITS)
    assert photograph.acceptable() is photograph.pixels() is Reason.UNREADABLE
    assert photograph.reduced(640) is Reason.UNREADABLE


def test_scans_beyond_ten_count_like_pixels() -> None:
    few = ImageLimits(LIMITS.max_bytes, 90 * 60 * 2, 1)
    twice, plain = (EncodedPhotograph(with_scans(count), few).acceptable() for count in (20, 10))
    assert isinstance(twice, OpenCvPicture)
    assert isinstance(plain, OpenCvPicture)
    assert twice.cost_pixels == 2 * plain.cost_pixels == few.max_pixels
    less = ImageLimits(LIMITS.max_bytes, few.max_pixels - 1, 1)
    assert EncodedPhotograph(with_scans(20), less).acceptable() is Reason.TOO_LARGE


def test_as_many_scans_as_any_encoder_writes_are_taken() -> None:
    assert scans(PROGRESSIVE) == 10
    assert isinstance(read_jpeg(with_scans(MAX_SCANS)), OpenCvPicture)
    cmyk = encoded(picture().convert("CMYK"), "JPEG", progressive=True)
    assert scans(cmyk) <= MAX_SCANS
    assert image_of(cmyk).shape == (60, 90, 3)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_scans(MAX_SCANS + 1), id="scans"),
        pytest.param(with_segments(*[segment(0xE5)] * MAX_SEGMENTS), id="empty segments"),
        pytest.param(with_segments(*[segment(0xFE, b"comment")] * MAX_SEGMENTS), id="comments"),
        pytest.param(with_segments(*[b"\xff\x01"] * MAX_SEGMENTS), id="markers without a length"),
        pytest.param(JPEG[:-2] + JPEG, id="a second beginning"),
        pytest.param(JPEG[:-2] + segment(0x05, PROGRESSIVE) + b"\xff\xd9", id="hidden scans"),
        pytest.param(with_segments(segment(0xF0)), id="unknown marker"),
        pytest.param(JPEG.replace(b"\xff\xc0", b"\xff\xc9"), id="arithmetic coding"),
        pytest.param(JPEG.replace(b"\xff\xc0", b"\xff\xc3"), id="lossless"),
        pytest.param(with_chunks(*[_chunk(b"tEXt", b"a\0b")] * MAX_PNG_CHUNKS), id="chunks"),
        pytest.param(
            png_header(9, 9)[:PNG_HEAD] + _chunk(b"IDAT", b"") * MAX_PNG_CHUNKS, id="pieces"
        ),
        pytest.param(with_chunks(_chunk(b"acTL", bytes(8))), id="animated PNG"),
    ],
)
def test_more_work_than_a_photograph_needs_is_refused(data: bytes) -> None:
    assert EncodedPhotograph(data, LIMITS).pixels() is Reason.UNREADABLE


def test_the_segments_of_a_phone_are_taken() -> None:
    exif, depth_map = segment(0xE1, b"Exif\0\0" + bytes(60_000)), segment(0xE1, bytes(65_533))
    data = with_segments(exif, *[segment(0xE2, bytes(65_533))] * 4, *[depth_map] * 120)
    assert np.array_equal(image_of(data), image_of(JPEG))


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"pHYs", b"sPLT"])
def test_a_decoder_is_given_no_chunk_but_those_of_the_picture(kind: bytes) -> None:
    """libpng would inflate a thousand texts to 8 MB each: half a minute."""
    bomb = _chunk(kind, b"a\0\0" + zlib.compress(bytes(8_000_000)))
    read = read_png(with_chunks(*[bomb] * 100))
    assert read is not None
    assert read.data() == PNG


def test_only_an_exif_chunk_that_a_jpeg_could_hold_is_looked_at() -> None:
    huge = read_png(with_chunks(_chunk(b"eXIf", bytes(chunks.MAX_EXIF_BYTES))))
    assert huge is not None
    assert huge.data() == PNG


@pytest.mark.parametrize("damage", [b"\xff\x00", b"\xff", b"\xff\xd0", b"\0", b"\xff\xff\x00"])
def test_ten_mebibytes_of_anything_are_walked_in_one_pass(damage: bytes) -> None:
    """No pattern makes the search go back: each byte is looked at a few times at most."""
    data = JPEG[:-2] + damage * (LIMITS.max_bytes // len(damage) - 2000)
    assert isinstance(read_jpeg(data), OpenCvPicture)


def test_sixteen_bits_with_alpha_take_twice_the_memory_and_count_twice() -> None:
    head = png_header(5000, 5000)
    rgba = head[:24] + bytes((16, 6)) + head[26:29]
    deep = rgba + struct.pack(">I", zlib.crc32(rgba[12:])) + head[PNG_HEAD:]
    assert EncodedPhotograph(deep, LIMITS).acceptable() is Reason.TOO_LARGE
    assert not isinstance(EncodedPhotograph(head, LIMITS).acceptable(), Reason)


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webps_size_is_the_one_that_is_decoded(lossless: bool) -> None:
    data = encoded(noise(321, 123), "WEBP", lossless=lossless)
    found = EncodedPhotograph(data, LIMITS).acceptable()
    assert isinstance(found, OpenCvPicture)
    assert (found.width, found.height) == WebPImageFile(io.BytesIO(data)).size == (321, 123)


def test_a_webp_of_a_small_canvas_and_a_large_frame_counts_as_large() -> None:
    data = encoded(picture(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0")
    canvas = data.index(b"VP8X") + 12
    large = data[:canvas] + b"\xff\xff\0\xff\xff\0" + data[canvas + 6 :]
    assert EncodedPhotograph(large, LIMITS).pixels() is Reason.TOO_LARGE
