"""Which uploads are looked at."""

from __future__ import annotations

import pytest

from service.capture.images import ImageLimits
from service.capture.sources import uploaded_photographs
from service.domain.errors import ImageTooLarge, TooManyImages, UnsupportedImage
from service.domain.face import Reason
from tests.capture.pictures import LIMITS, encoded, picture, png_header

JPEG = encoded(picture(), "JPEG")


def test_each_upload_is_one_photograph_in_order() -> None:
    uploads = [encoded(picture(width, 10), "PNG") for width in (10, 20, 30)]
    widths = [p.pixels().shape[1] for p in uploaded_photographs(uploads, LIMITS)]  # type: ignore[union-attr]
    assert widths == [10, 20, 30]


def test_more_images_than_allowed_are_refused() -> None:
    with pytest.raises(TooManyImages) as refused:
        uploaded_photographs([JPEG] * 21, LIMITS)
    assert refused.value.values == {"limit": 20}


def test_as_many_images_as_allowed_are_taken() -> None:
    assert len(uploaded_photographs([JPEG] * 20, LIMITS)) == 20


def test_too_many_bytes_are_refused_with_the_limit_in_words() -> None:
    with pytest.raises(ImageTooLarge) as refused:
        uploaded_photographs([JPEG + bytes(LIMITS.max_bytes)], LIMITS)
    assert refused.value.values == {"limit": "10 MiB"}


@pytest.mark.parametrize(
    ("size", "limit"),
    [((6_400, 6_400), "40 MP"), ((20_000, 2_001), "40 MP"), ((20_001, 1), "20000 px")],
)
def test_too_many_pixels_are_refused_with_the_limit_in_words(
    size: tuple[int, int], limit: str
) -> None:
    with pytest.raises(ImageTooLarge) as refused:
        uploaded_photographs([JPEG, png_header(*size)], LIMITS)
    assert refused.value.values == {"limit": limit}
    assert [sample.reason for sample in refused.value.samples] == [None, Reason.TOO_LARGE]


@pytest.mark.parametrize(
    "upload",
    [
        encoded(picture(), "GIF"),
        encoded(picture(), "BMP"),
        b"not a photograph",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0",
    ],
    ids=["gif", "bmp", "text", "svg", "one-byte"],
)
def test_other_formats_are_unsupported(upload: bytes) -> None:
    with pytest.raises(UnsupportedImage) as refused:
        uploaded_photographs([JPEG, upload], LIMITS)
    assert [sample.reason for sample in refused.value.samples] == [None, Reason.UNREADABLE]


@pytest.mark.parametrize("upload", [b"", JPEG[:20], JPEG[:-20]], ids=["empty", "header", "end"])
def test_an_empty_or_damaged_upload_is_unreadable_and_the_others_are_not(upload: bytes) -> None:
    damaged, whole = uploaded_photographs([upload, JPEG], LIMITS)
    assert damaged.pixels() is Reason.UNREADABLE
    assert not isinstance(whole.pixels(), Reason)


def test_a_limit_between_whole_units_is_told_exactly() -> None:
    assert ImageLimits(1_572_864, 500_000, 1).bytes_in_words == "1.5 MiB"
    assert ImageLimits(1_572_864, 500_000, 1).pixels_in_words == "0.5 MP"
