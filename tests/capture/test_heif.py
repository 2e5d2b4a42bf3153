"""HEIC and AVIF: read with the extra `heif`; without it, who sent them is told how to switch the phone."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.capture import heif, heif_decoder, images
from service.capture.heif import heif_kind
from service.capture.images import ImageLimits
from service.capture.sources import uploaded_photographs
from service.domain.errors import UnsupportedImage
from service.domain.face import Reason
from service.texts import message
from tests.capture.pictures import (
    LIMITS,
    animated,
    as_pillow_sees,
    encoded,
    image_of,
    noise,
    picture,
    pixels_of,
    turned,
)

AVIF = encoded(picture(), "AVIF")
HEIC_HEAD = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic")


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "find_spec", lambda _: None)


@pytest.mark.parametrize("name", ["iphone.heic", "heic_named.jpg"])
def test_a_phones_heic_is_read_whatever_its_name(cases: Path, name: str) -> None:
    assert image_of((cases / "images" / name).read_bytes()).shape == (600, 800, 3)


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_avif_is_read_upright(orientation: int) -> None:
    data = encoded(picture(), "AVIF", exif=turned(orientation))
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=2)


def test_transparency_of_avif_shows_white() -> None:
    image = picture()
    image.putalpha(0)
    assert image_of(encoded(image, "AVIF")).min() == 255


def test_an_animation_is_no_photograph() -> None:
    assert pixels_of(animated("AVIF")) is Reason.UNREADABLE


def test_too_many_pixels_are_refused_by_the_header(cases: Path) -> None:
    few = ImageLimits(LIMITS.max_bytes, 800 * 600 - 1, 1)
    data = (cases / "images" / "iphone.heic").read_bytes()
    assert pixels_of(data, few) is Reason.TOO_LARGE
    assert pixels_of(encoded(noise(900, 600), "AVIF"), few) is Reason.TOO_LARGE


@pytest.mark.parametrize("kept", [12, 24, 200, 0.5, 0.95])
def test_without_its_end_it_is_unreadable(cases: Path, kept: float) -> None:
    for data in ((cases / "images" / "iphone.heic").read_bytes(), AVIF):
        cut = int(kept if kept > 1 else kept * len(data))
        assert pixels_of(data[:cut]) is Reason.UNREADABLE


@pytest.mark.parametrize("upload", [AVIF, HEIC_HEAD], ids=["avif", "heic"])
@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_a_person_is_told_what_to_do(upload: bytes) -> None:
    with pytest.raises(UnsupportedImage) as refused:
        uploaded_photographs([upload], LIMITS)
    assert "Most Compatible" in message("en", refused.value).detail
    assert "높은 호환성" in message("ko", refused.value).detail
    assert not images.is_supported(upload)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (HEIC_HEAD, "heic"),
        (struct.pack(">I4s4sI4s", 20, b"ftyp", b"mif1", 0, b"avif"), "avif"),
        (struct.pack(">I4s4sI4s", 20, b"ftyp", b"mif1", 0, b"heic"), "heic"),
        (struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"mp42"), None),
        (struct.pack(">I4s4sI4s", 20, b"ftyp", b"avis", 0, b"avif"), None),
        (b"\xff\xff\xff\xffftypmif1", "heic"),
        (b"", None),
    ],
)
def test_the_kind_is_told_by_the_brands(head: bytes, kind: str | None) -> None:
    assert heif_kind(head) == kind


@pytest.mark.skipif(sys.platform == "win32", reason="programs have no such limits there")
def test_what_takes_more_memory_than_a_photograph_needs_is_unreadable(
    cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = (cases / "images" / "iphone.heic").read_bytes()
    assert image_of(phone).shape == (600, 800, 3)
    monkeypatch.setattr(heif, "DECODER_BYTES", 64 * 1024 * 1024)
    assert pixels_of(phone) is Reason.UNREADABLE


@pytest.mark.skipif(sys.platform == "win32", reason="programs have no such limits there")
def test_what_takes_more_time_than_a_photograph_needs_is_ended() -> None:
    script = "from service.capture.heif_decoder import limit; limit(1, 2**31)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode < 0


def test_nobody_waits_for_a_decoder_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "DECODER_WAIT", 0.0)
    assert pixels_of(AVIF) is Reason.UNREADABLE


def test_frames_larger_than_the_header_says_are_decoded_where_they_harm_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """libavif decodes all of them, and reduces them to what the header says."""
    small = bytearray(encoded(picture(2000, 1500), "AVIF", speed=10))
    at = small.index(b"ispe") + 8
    small[at : at + 8] = struct.pack(">II", 64, 48)
    assert image_of(bytes(small)).shape == (48, 64, 3)
    monkeypatch.setattr(heif_decoder, "__file__", "/nowhere.py")
    assert pixels_of(bytes(small)) is Reason.UNREADABLE


def test_a_decoder_is_told_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MASTER_KEY", "secret")
    assert "secret" not in heif._environment().values()
