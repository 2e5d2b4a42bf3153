"""Encoded bytes to pixels, and how much of an image is taken: JPEG, PNG and WebP; HEIC and AVIF with the extra `heif`.

The one door of uploads, base64, folders, bulk runs and nodes of a cluster. First the header is read, by code
that decodes nothing, and what would cost too much is refused ([decision 12](docs/decisions/0012-images.md) has the
most that is left); then OpenCV decodes, so that pixels equal those of `cv2.imread`. It turns the formats by their
EXIF orientation and converts CMYK and Adobe's YCCK: the tests hold it to that.

A JPEG damaged in its middle decodes to its undamaged part: no decoder tells, the detector judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from service.capture import chunks, jpeg_markers
from service.capture.chunks import is_webp, read_png, read_webp
from service.capture.heif import can_read_heif, heif_kind, read_heif
from service.capture.jpeg_markers import read_jpeg
from service.capture.picture import REDUCED, Picture
from service.domain.face import Decoded, Image, Reason

_MEBIBYTE = 1024 * 1024
_MEGAPIXEL = 1_000_000

MAX_SIDE = 20_000
"""Pixels. Detectors widen a strip to at least a sixteenth of its length: one of a million by 40 pixels, which
are few enough, would take 188 GB."""

SIDE_IN_WORDS = f"{MAX_SIDE} px"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """`max_bytes` of one encoded image, `max_pixels` of one image, `max_images` of one request."""

    max_bytes: int
    max_pixels: int
    max_images: int

    @property
    def bytes_in_words(self) -> str:
        return f"{self.max_bytes / _MEBIBYTE:g} MiB"

    @property
    def pixels_in_words(self) -> str:
        return f"{self.max_pixels / _MEGAPIXEL:g} MP"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    `frame`: for one frame to come, the wait for the device and its opening included. Whoever
    stands at a kiosk gives up after ten; two of them are left for closing the device.
    `watch`: from the first frame on, how long somebody may take to show a usable face.
    """

    frame: float = 8.0
    watch: float = 15.0


_ALWAYS = (jpeg_markers.SIGNATURE, chunks.PNG_SIGNATURE)


@dataclass(slots=True)
class EncodedPhotograph:
    """A `Photograph` of encoded bytes, whose header is read once: 3 ms a megabyte of a JPEG."""

    encoded: bytes = field(repr=False)
    limits: ImageLimits
    _read: tuple[Picture | None] | None = field(default=None, init=False, repr=False)

    def acceptable(self) -> Picture | Reason:
        """Its header, nothing decoded; or why it is refused by it."""
        if len(self.encoded) > self.limits.max_bytes:
            return Reason.TOO_LARGE
        picture = self._picture()
        if picture is None:
            return Reason.UNREADABLE
        return Reason.TOO_LARGE if _exceeded(picture, self.limits) else picture

    def exceeded(self) -> str | None:
        """The limit that it exceeds, in words; None where there is none, or it cannot be read."""
        if len(self.encoded) > self.limits.max_bytes:
            return self.limits.bytes_in_words
        picture = self._picture()
        return None if picture is None else _exceeded(picture, self.limits)

    def _picture(self) -> Picture | None:
        """None where it cannot be read."""
        if self._read is None:
            self._read = (_read(self.encoded),)
        return self._read[0]

    def pixels(self) -> Image | Reason:
        picture = self.acceptable()
        if isinstance(picture, Reason):
            return picture
        pixels = picture.decode()
        return Reason.UNREADABLE if pixels is None else pixels

    def reduced(self, least_side: int) -> Decoded | Reason:
        """A JPEG at a fraction of its size, which skips most of its decoding; others in full."""
        picture = self.acceptable()
        if isinstance(picture, Reason):
            return picture
        denominator = _denominator(picture, least_side)
        pixels = picture.decode(denominator)
        return Reason.UNREADABLE if pixels is None else Decoded(pixels, denominator)


def is_supported(encoded: bytes) -> bool:
    """Whether the bytes begin as a format does that can be read here."""
    if encoded.startswith(_ALWAYS) or is_webp(encoded):
        return True
    return heif_kind(encoded) is not None and can_read_heif()


def _read(encoded: bytes) -> Picture | None:
    if encoded.startswith(jpeg_markers.SIGNATURE):
        return read_jpeg(encoded)
    if encoded.startswith(chunks.PNG_SIGNATURE):
        return read_png(encoded)
    if is_webp(encoded):
        return read_webp(encoded)
    kind = heif_kind(encoded)
    return read_heif(encoded, kind) if kind and can_read_heif() else None


def _exceeded(picture: Picture, limits: ImageLimits) -> str | None:
    if max(picture.width, picture.height) > MAX_SIDE:
        return SIDE_IN_WORDS
    return limits.pixels_in_words if picture.cost_pixels > limits.max_pixels else None


def _denominator(picture: Picture, least_side: int) -> int:
    if not picture.is_reducible:
        return 1
    longer = max(picture.width, picture.height)
    return next((one for one in sorted(REDUCED, reverse=True) if longer // one >= least_side), 1)
