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
from service.domain.face import Image, Reason

_PNG, _JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"


@dataclass(frozen=True, slots=True)
class EncodedPhotograph:
    """A `Photograph` of encoded bytes."""

    encoded: bytes = field(repr=False)
    limits: ImageLimits

    def pixels(self) -> Image | Reason:
        if len(self.encoded) > self.limits.max_bytes:
            return Reason.TOO_LARGE
        pixels = pixels_in_header(self.encoded)
        if pixels is None:
            return Reason.UNREADABLE
        if pixels > self.limits.max_pixels:
            return Reason.TOO_LARGE
        return _decode(self.encoded)


def is_supported(encoded: bytes) -> bool:
    """Whether the bytes begin as JPEG, PNG or WebP do."""
    return encoded.startswith((_PNG, _JPEG)) or _is_webp(encoded)


def pixels_in_header(encoded: bytes) -> int | None:
    """Width times height as the header says, nothing decoded; None where it does not say."""
    picture = _opened(encoded)
    return None if picture is None else picture.width * picture.height


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


def _decode(encoded: bytes) -> Image | Reason:
    picture = _opened(encoded)
    if picture is None:
        return Reason.UNREADABLE
    if getattr(picture, "is_animated", False):
        return _decode_by_pillow(picture)
    return _decode_by_opencv(encoded) if _is_whole(picture) else Reason.UNREADABLE


def _is_whole(picture: Picture) -> bool:
    # PNG's checksums, for a reason that OpenCV could give as well: libpng prints its own.
    try:
        picture.verify()
    except Exception:
        return False
    return True


def _decode_by_opencv(encoded: bytes) -> Image | Reason:
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return Reason.UNREADABLE
    return Reason.UNREADABLE if image is None else np.asarray(image, np.uint8)


def _decode_by_pillow(picture: Picture) -> Image | Reason:
    try:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    except Exception:
        return Reason.UNREADABLE
    return np.ascontiguousarray(np.asarray(upright, np.uint8)[..., ::-1])
