"""Encoded bytes to pixels: JPEG, PNG and WebP.

Pillow reads the header, so that nothing enormous is ever decoded; OpenCV decodes, so that pixels
equal those of `cv2.imread`. OpenCV 5 turns all three formats by their EXIF orientation, converts
CMYK and Adobe's YCCK, and refuses a file whose end is missing: the tests hold it to that. Not so
with animations, whose orientation it ignores: Pillow decodes their first frame. The first, since
it is what every viewer shows that cannot animate, and one upload stays one photograph.

A JPEG damaged in its middle decodes to its undamaged part: no decoder tells, the detector judges.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import ImageOps
from PIL.Image import Image as Picture
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from service.capture.limits import ImageLimits
from service.capture.opencv import cv2
from service.domain.face import Decoded, Image, Reason

_PNG, _JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""The fractions at which libjpeg decodes: it leaves out the finer of a block's 64 frequencies."""


@dataclass(slots=True)
class EncodedPhotograph:
    """A `Photograph` of encoded bytes."""

    encoded: bytes = field(repr=False)
    limits: ImageLimits
    _ahead: Picture | None = field(default=None, init=False, repr=False)
    """Its header, read before it was to be decoded. Of use once: to verify it uses it up."""

    def pixels_in_header(self) -> int | None:
        """Width times height as the header says, nothing decoded; None where it does not say."""
        picture = self._ahead = _opened(self.encoded)
        return None if picture is None else picture.width * picture.height

    def pixels(self) -> Image | Reason:
        picture = self._acceptable()
        return picture if isinstance(picture, Reason) else _decode(self.encoded, picture, 1)

    def reduced(self, least_side: int) -> Decoded | Reason:
        """A JPEG at a fraction of its size, which skips most of its decoding; others in full."""
        picture = self._acceptable()
        if isinstance(picture, Reason):
            return picture
        denominator = _denominator(picture, least_side)
        pixels = _decode(self.encoded, picture, denominator)
        return pixels if isinstance(pixels, Reason) else Decoded(pixels, denominator)

    def _acceptable(self) -> Picture | Reason:
        """The header, whose size is the true one, before anything is decoded."""
        if len(self.encoded) > self.limits.max_bytes:
            return Reason.TOO_LARGE
        picture, self._ahead = self._ahead or _opened(self.encoded), None
        if picture is None:
            return Reason.UNREADABLE
        too_large = picture.width * picture.height > self.limits.max_pixels
        return Reason.TOO_LARGE if too_large else picture


def is_supported(encoded: bytes) -> bool:
    """Whether the bytes begin as JPEG, PNG or WebP do."""
    return encoded.startswith((_PNG, _JPEG)) or _is_webp(encoded)


def _is_webp(encoded: bytes) -> bool:
    return encoded[:4] == _RIFF and encoded[8:12] == _WEBP


def _opened(encoded: bytes) -> JpegImageFile | PngImageFile | WebPImageFile | None:
    # The plugin itself, not Image.open: that one refuses or warns by a size of its own, which
    # is process-wide (Image.MAX_IMAGE_PIXELS), and takes a phone's JPEG for an animated MPO.
    try:
        file = io.BytesIO(encoded)
        if encoded.startswith(_JPEG):
            return JpegImageFile(file)
        if encoded.startswith(_PNG):
            return PngImageFile(file)
        return WebPImageFile(file) if _is_webp(encoded) else None
    except Exception:  # hostile bytes: Pillow's parsers raise whatever they stumble over
        return None


def _denominator(picture: Picture, least_side: int) -> int:
    if not isinstance(picture, JpegImageFile):
        return 1
    longer = max(picture.size)
    return next((one for one in sorted(_REDUCED, reverse=True) if longer // one >= least_side), 1)


def _decode(encoded: bytes, picture: Picture, denominator: int) -> Image | Reason:
    if getattr(picture, "is_animated", False):
        return _decode_by_pillow(picture)
    if not _is_whole(picture):
        return Reason.UNREADABLE
    return _decode_by_opencv(encoded, _REDUCED.get(denominator, cv2.IMREAD_COLOR))


def _is_whole(picture: Picture) -> bool:
    # PNG's checksums, for a reason that OpenCV could give as well: libpng prints its own.
    try:
        picture.verify()
    except Exception:
        return False
    return True


def _decode_by_opencv(encoded: bytes, how: int) -> Image | Reason:
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), how)
    except cv2.error:
        return Reason.UNREADABLE
    return Reason.UNREADABLE if image is None else np.asarray(image, np.uint8)


def _decode_by_pillow(picture: Picture) -> Image | Reason:
    try:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    except Exception:
        return Reason.UNREADABLE
    return np.ascontiguousarray(np.asarray(upright, np.uint8)[..., ::-1])
