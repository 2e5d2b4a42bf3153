"""A JPEG decodes at 1/2, 1/4 and 1/8 of its size, and is otherwise what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from service.capture.directory import FilePhotograph
from service.capture.images import EncodedPhotograph, ImageLimits
from service.domain.face import Decoded, Reason
from tests.capture.pictures import LIMITS, as_pillow_sees, encoded, picture, turned


def reduced(data: bytes, least_side: int, limits: ImageLimits = LIMITS) -> Decoded:
    seen = EncodedPhotograph(data, limits).reduced(least_side)
    assert isinstance(seen, Decoded)
    return seen


@pytest.mark.parametrize(
    ("longer", "denominator"),
    [(640, 1), (1279, 1), (1280, 2), (2559, 2), (2560, 4), (5119, 4), (5120, 8), (9000, 8)],
)
def test_the_longer_side_keeps_what_is_asked_for(longer: int, denominator: int) -> None:
    seen = reduced(encoded(picture(longer, 40), "JPEG"), 640)
    assert seen.denominator == denominator
    assert seen.pixels.shape == (-(-40 // denominator), -(-longer // denominator), 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photograph_is_turned_upright(orientation: int) -> None:
    data = encoded(picture(320, 160), "JPEG", quality=95, exif=turned(orientation))
    upright = as_pillow_sees(data)
    seen = reduced(data, 80)
    assert seen.denominator == 4
    middle = upright[2::4, 2::4].astype(int)
    assert seen.pixels.shape == middle.shape
    assert_allclose(seen.pixels.astype(int), middle, atol=12)


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_other_formats_are_decoded_as_they_are(format_: str) -> None:
    data = encoded(picture(640, 320), format_)
    seen = reduced(data, 80)
    assert seen.denominator == 1
    assert np.array_equal(seen.pixels, EncodedPhotograph(data, LIMITS).pixels())


@pytest.mark.parametrize(("width", "height"), [(400, 101), (401, 100)])
def test_the_limit_of_pixels_is_about_the_true_size(width: int, height: int) -> None:
    limits = ImageLimits(LIMITS.max_bytes, 40_000, 20)
    data = encoded(picture(width, height), "JPEG")
    assert EncodedPhotograph(data, limits).reduced(40) is Reason.TOO_LARGE


def test_the_limit_of_bytes_holds() -> None:
    data = encoded(picture(400, 100), "JPEG")
    limits = ImageLimits(len(data) - 1, LIMITS.max_pixels, 20)
    assert EncodedPhotograph(data, limits).reduced(40) is Reason.TOO_LARGE


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a"])
def test_what_is_no_photograph_is_unreadable(data: bytes) -> None:
    assert EncodedPhotograph(data, LIMITS).reduced(40) is Reason.UNREADABLE


def test_without_its_end_a_photograph_is_unreadable() -> None:
    data = encoded(picture(400, 100), "JPEG")
    assert EncodedPhotograph(data[:-200], LIMITS).reduced(40) is Reason.UNREADABLE


def test_a_file_is_reduced_as_an_upload_is(tmp_path: Path) -> None:
    data = encoded(picture(400, 100), "JPEG")
    file = tmp_path.resolve() / "large.jpg"
    file.write_bytes(data)
    seen = FilePhotograph(file, LIMITS).reduced(100)
    assert isinstance(seen, Decoded)
    assert np.array_equal(seen.pixels, reduced(data, 100).pixels)


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    assert FilePhotograph(tmp_path.resolve() / "none.jpg", LIMITS).reduced(9) is Reason.UNREADABLE
