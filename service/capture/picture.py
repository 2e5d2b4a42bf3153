"""A picture whose header has been read and found to be bounded: nothing of it is decoded yet.

It is decoded by OpenCV, which is told to keep its complaints to itself: hostile uploads and absent cameras are
daily business and answered by values and errors, and on stderr OpenCV would add lines per image, FFmpeg the
stream's URL with its password. An operator who sets these variables gets the lines back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from PIL.Image import Exif

from service.domain.face import Image

# FFmpeg's own level "quiet" (AV_LOG_QUIET, libavutil/log.h); read when a capture is first opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]


REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""The fractions at which libjpeg decodes: it leaves out the finer of a block's 64 frequencies."""

ROWS_BLENDED = 256
"""Rows blended at a time: what is between takes several times the memory of the pixels."""

_ORIENTATION = 0x0112
"""EXIF 2.32, table 4."""


class Picture(Protocol):
    """`cost_pixels`: width times height, and more where it costs as much as a plain one of more pixels."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def is_reducible(self) -> bool: ...

    @property
    def cost_pixels(self) -> float: ...

    def decode(self, denominator: int = 1) -> Image | None:
        """(height, width, 3) BGR, upright; None where it is damaged. Of a reducible one at 1/`denominator`."""
        ...


@dataclass(frozen=True, slots=True)
class OpenCvPicture:
    """`data`: what the decoder is given. `exif`: with its orientation, where there is an alpha channel, since
    OpenCV then turns nothing. `cost`: of a pixel, in time or in memory, against that of a plain picture.
    """

    width: int
    height: int
    data: Callable[[], bytes] = field(repr=False)
    is_reducible: bool = False
    has_alpha: bool = False
    exif: bytes = field(default=b"", repr=False)
    cost: float = 1.0

    @property
    def cost_pixels(self) -> float:
        return self.width * self.height * self.cost

    def decode(self, denominator: int = 1) -> Image | None:
        if not self.has_alpha:
            return decoded(self.data(), REDUCED.get(denominator, cv2.IMREAD_COLOR))
        pixels = decoded(self.data(), cv2.IMREAD_UNCHANGED)
        return None if pixels is None else turned(on_white(pixels), orientation_of(self.exif))


def decoded(data: bytes, how: int) -> Image | None:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image)


def on_white(pixels: Image) -> Image:
    """What a viewer shows of blue, green, red and alpha, 8 or 16 bits: a face under alpha 0 is none."""
    if pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(_of_bytes(pixels), cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == 3:
        return _of_bytes(pixels)
    blended = np.empty((*pixels.shape[:2], 3), np.uint8)
    for row in range(0, len(pixels), ROWS_BLENDED):
        *colors, alpha = cv2.split(_of_bytes(pixels[row : row + ROWS_BLENDED]))
        shown = [cv2.multiply(color, alpha, scale=1 / 255) for color in colors]
        cv2.merge(
            [cv2.add(color, 255 - alpha) for color in shown], blended[row : row + ROWS_BLENDED]
        )
    return blended


def _of_bytes(pixels: Image) -> Image:
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def orientation_of(exif: bytes) -> int:
    """1 where there is none, or none that can be read."""
    try:
        found = Exif()
        found.load(exif)
        return int(found.get(_ORIENTATION, 1))
    except Exception:  # hostile bytes: Pillow's parser raises whatever it stumbles over
        return 1


_TURNS: Mapping[int, Callable[[Image], Image]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: image.transpose(1, 0, 2)[:, ::-1],
    7: lambda image: image.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda image: image.transpose(1, 0, 2)[::-1],
}


def turned(image: Image, orientation: int) -> Image:
    """Upright, by the orientation of EXIF, 1 to 8."""
    turn = _TURNS.get(orientation)
    return image if turn is None else np.ascontiguousarray(turn(image))
