"""Encoded bytes become pixels, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from service.capture.images import MAX_SIDE, EncodedPhotograph, ImageLimits
from service.domain.face import Reason
from tests.capture.pictures import (
    LIMITS,
    animated,
    as_pillow_sees,
    encoded,
    image_of,
    noise,
    picture,
    pixels_of,
    png_header,
    turned,
)

ENCODINGS = [
    pytest.param("JPEG", {"quality": 95}, id="jpeg"),
    pytest.param("JPEG", {"progressive": True}, id="progressive-jpeg"),
    pytest.param("PNG", {}, id="png"),
    pytest.param("WEBP", {}, id="webp"),
    pytest.param("WEBP", {"lossless": True}, id="lossless-webp"),
]
FORMATS = ["JPEG", "PNG", "WEBP"]
PNG_MODES = ["L", "LA", "P", "RGBA", "1"]


@pytest.mark.parametrize(("format_", "options"), ENCODINGS)
def test_pixels_are_those_of_imread(tmp_path: Path, format_: str, options: dict[str, int]) -> None:
    file = tmp_path / "photograph"
    file.write_bytes(encoded(noise(), format_, **options))
    assert np.array_equal(image_of(file.read_bytes()), np.asarray(cv2.imread(str(file))))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright_once(format_: str, orientation: int) -> None:
    data = encoded(picture(), format_, exif=turned(orientation))
    # Chroma of a lossy photograph is rounded differently once it is turned.
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=2)


@pytest.mark.parametrize("mode", PNG_MODES)
def test_png_of_any_mode_becomes_blue_green_red(mode: str) -> None:
    data = encoded(picture().convert(mode), "PNG")
    assert np.array_equal(image_of(data), as_pillow_sees(data))


def test_png_palette_with_a_transparent_color_keeps_its_colors() -> None:
    data = encoded(picture().convert("P"), "PNG", transparency=3)
    assert np.array_equal(image_of(data), as_pillow_sees(data))


@pytest.mark.parametrize("shape", [(60, 90), (60, 90, 3)], ids=["grey", "color"])
def test_sixteen_bits_are_scaled_to_eight(shape: tuple[int, ...]) -> None:
    eight = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    _, data = cv2.imencode(".png", eight.astype(np.uint16) * 257)
    expected = eight if eight.ndim == 3 else np.repeat(eight[..., None], 3, axis=2)
    assert np.array_equal(image_of(data.tobytes()), expected)


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_shows_white_as_in_a_viewer(format_: str, orientation: int, mode: str) -> None:
    image = picture().convert(mode)
    image.putalpha(picture().convert("L"))
    data = encoded(image, format_, lossless=True, exact=True, exif=turned(orientation))
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=1)


def test_sixteen_bits_with_transparency_show_white_too() -> None:
    deep = np.full((4, 4, 4), 65_535, np.uint16)
    deep[..., :3], deep[:2, :, 3] = 0, 0
    _, data = cv2.imencode(".png", deep)
    assert image_of(data.tobytes())[:, 0, 0].tolist() == [255, 255, 0, 0]


def test_a_face_hidden_under_full_transparency_is_not_there(cases: Path) -> None:
    hidden = image_of((cases / "images" / "hidden_face.png").read_bytes())
    assert np.count_nonzero(hidden == 255) > 0.9 * hidden.size


def test_a_grey_jpeg_has_three_channels() -> None:
    data = encoded(picture().convert("L"), "JPEG")
    assert np.array_equal(image_of(data), as_pillow_sees(data))


def _adobe_marker(data: bytes) -> int:
    return data.index(b"Adobe")


def test_cmyk_as_adobe_inverts_it_has_pillows_colors() -> None:
    data = encoded(picture().convert("CMYK"), "JPEG", quality=95)
    assert _adobe_marker(data)
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=1)


def test_ycck_has_pillows_colors() -> None:
    cmyk = encoded(picture().convert("CMYK"), "JPEG", quality=95)
    transform = _adobe_marker(cmyk) + 11  # Adobe TN 5116, 18: 0 is CMYK, 2 is YCCK
    data = cmyk[:transform] + b"\x02" + cmyk[transform + 1 :]
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=1)


def test_cmyk_without_adobes_marker_has_pillows_colors() -> None:
    cmyk = encoded(picture().convert("CMYK"), "JPEG", quality=95)
    start = _adobe_marker(cmyk) - 4
    data = cmyk[:start] + cmyk[start + 2 + int.from_bytes(cmyk[start + 2 : start + 4], "big") :]
    assert np.allclose(image_of(data), as_pillow_sees(data), atol=1)


def test_a_phones_multi_picture_jpeg_is_its_first_picture() -> None:
    data = animated("MPO", quality=95)
    assert np.array_equal(image_of(data), as_pillow_sees(data))


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_an_animation_is_no_photograph(format_: str) -> None:
    assert pixels_of(animated(format_, lossless=True)) is Reason.UNREADABLE


@pytest.mark.parametrize(("format_", "options"), ENCODINGS)
@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_without_its_end_a_photograph_is_unreadable(
    format_: str, options: dict[str, int], kept: float
) -> None:
    data = encoded(noise(), format_, **options)
    assert pixels_of(data[: int(kept * len(data))]) is Reason.UNREADABLE


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
@pytest.mark.parametrize("missing", range(1, 12))
def test_not_even_the_last_bytes_may_be_missing(format_: str, missing: int) -> None:
    assert pixels_of(encoded(noise(), format_)[:-missing]) is Reason.UNREADABLE


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_may_lack_the_marker_of_its_end_and_nothing_that_shows(
    options: dict[str, bool], missing: int
) -> None:
    data = encoded(noise(), "JPEG", **options)
    assert np.array_equal(image_of(data[:-missing]), image_of(data))
    assert pixels_of(data[:-200]) is Reason.UNREADABLE


def test_a_webcams_file_without_its_end_is_read(cases: Path) -> None:
    assert image_of((cases / "images" / "no_eoi.jpg").read_bytes()).shape == (600, 800, 3)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_follows_the_photograph_does_no_harm(format_: str) -> None:
    data = encoded(picture(), format_)
    assert np.array_equal(image_of(data + b"appended"), image_of(data))


@pytest.mark.parametrize("data", [b"", b"\xff", b"text", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"])
def test_what_is_no_photograph_is_unreadable(data: bytes) -> None:
    assert pixels_of(data) is Reason.UNREADABLE


@pytest.mark.parametrize("format_", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_unreadable(format_: str) -> None:
    assert pixels_of(encoded(picture(), format_)) is Reason.UNREADABLE


@pytest.mark.parametrize("side", [10_000, 100_000, 2**31 - 1])
def test_an_enormous_header_is_too_large_before_anything_is_decoded(side: int) -> None:
    assert pixels_of(png_header(side, side)) is Reason.TOO_LARGE


@pytest.mark.filterwarnings("error")
def test_how_many_pixels_are_too_many_is_not_for_pillow_to_say() -> None:
    more = ImageLimits(LIMITS.max_bytes, 200_000_000, 1)
    picture = EncodedPhotograph(png_header(14_000, 14_000), more).acceptable()
    assert not isinstance(picture, Reason)
    assert (picture.width, picture.height) == (14_000, 14_000)


def test_a_photograph_at_the_limits_is_read() -> None:
    data = encoded(picture(90, 60), "PNG")
    assert isinstance(pixels_of(data, ImageLimits(len(data), 5400, 1)), np.ndarray)


def test_one_byte_more_is_too_large() -> None:
    data = encoded(picture(), "PNG")
    assert pixels_of(data, ImageLimits(len(data) - 1, 5400, 1)) is Reason.TOO_LARGE


def test_one_pixel_more_is_too_large() -> None:
    data = encoded(picture(90, 60), "PNG")
    assert pixels_of(data, ImageLimits(len(data), 5399, 1)) is Reason.TOO_LARGE


def test_a_strip_is_too_large_by_its_longer_side() -> None:
    assert isinstance(pixels_of(encoded(Pillow.new("1", (MAX_SIDE, 1)), "PNG")), np.ndarray)
    assert pixels_of(encoded(Pillow.new("1", (1, MAX_SIDE + 1)), "PNG")) is Reason.TOO_LARGE


@pytest.mark.parametrize("cut", [20, 100, 1000])
def test_refusing_a_damaged_photograph_prints_nothing(
    capfd: pytest.CaptureFixture[str], cut: int
) -> None:
    for format_ in FORMATS:
        pixels_of(encoded(noise(), format_)[:cut])
    assert capfd.readouterr() == ("", "")


def _is_an_image_or_a_reason(data: bytes) -> bool:
    pixels = pixels_of(data)
    if isinstance(pixels, Reason):
        return True
    return pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3


SEEDS = [encoded(picture(30, 20), format_, exif=turned(6)) for format_ in FORMATS] + [
    encoded(picture(30, 20).convert("CMYK"), "JPEG"),
    encoded(picture(30, 20).convert("P"), "PNG"),
    animated("PNG"),
    animated("WEBP"),
    animated("MPO"),
]


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flipped_bytes_never_raise(seed: bytes, data: st.DataObject) -> None:
    damaged = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    assert _is_an_image_or_a_reason(bytes(damaged))


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_decoder_sees_another_size_than_the_header_told(
    seed: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(seed), 200) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    found = EncodedPhotograph(bytes(damaged), LIMITS).acceptable()
    pixels = None if isinstance(found, Reason) else found.decode()
    if pixels is not None:
        assert not isinstance(found, Reason)
        assert sorted(pixels.shape[:2]) == sorted((found.width, found.height))


@given(st.sampled_from([seed[:12] for seed in SEEDS]), st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_anything_after_a_signature_never_raises(signature: bytes, rest: bytes) -> None:
    assert _is_an_image_or_a_reason(signature + rest)


def test_photographs_do_not_print_their_content() -> None:
    assert "JFIF" not in repr(EncodedPhotograph(encoded(picture(), "JPEG"), LIMITS))
