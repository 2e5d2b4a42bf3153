"""How much of an image is taken, and how long a camera is waited for."""

from __future__ import annotations

from dataclasses import dataclass

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
class Patience:
    """Seconds.

    `frame`: for one frame to come, the wait for the device and its opening included. Whoever
    stands at a kiosk gives up after ten; two of them are left for closing the device.
    `watch`: from the first frame on, how long somebody may take to show a usable face.
    """

    frame: float = 8.0
    watch: float = 15.0
