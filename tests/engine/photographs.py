"""Photographs for engines, without the capture room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from service.domain.face import FaceCrop, Image, Quality, Reason


@dataclass(frozen=True)
class Picture:
    """A `Photograph` that is already decoded, or that cannot be."""

    content: Image | Reason

    def pixels(self) -> Image | Reason:
        return self.content


class BrokenPhotograph:
    """A `Photograph` whose decoding breaks."""

    def pixels(self) -> Image | Reason:
        raise RuntimeError("the decoder broke")


def picture(path: Path) -> Picture:
    return Picture(np.asarray(cv2.imread(str(path)), dtype=np.uint8))


def blank(height: int, width: int, value: int = 0) -> Picture:
    return Picture(np.full((height, width, 3), value, np.uint8))


def lamp(*cells: tuple[int, int], brightness: int = 255) -> Picture:
    """640 x 640 and black, with a bright square at each cell (column, row) of 32 pixels: the
    generated detector's idea of a face; at a brightness of 191 it is in two minds."""
    image = np.zeros((640, 640, 3), np.uint8)
    for column, row in cells:
        image[row * 32 : (row + 1) * 32, column * 32 : (column + 1) * 32] = brightness
    return Picture(image)


def with_face_behind(portrait: Picture, other: Picture) -> Picture:
    """The portrait with more room around it, and a face of a third of its size in a corner of that."""
    image = _pixels(portrait)
    side = image.shape[0] // 3
    small = cv2.resize(_pixels(other), (side, side), interpolation=cv2.INTER_AREA)
    wide = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_REPLICATE)
    wide[:side, :side] = small
    return Picture(np.asarray(wide, dtype=np.uint8))


def side_by_side(left: Picture, right: Picture) -> Picture:
    image = _pixels(left)
    height, width = image.shape[:2]
    return Picture(np.hstack([image, cv2.resize(_pixels(right), (width, height))]))


def _pixels(picture: Picture) -> Image:
    assert isinstance(picture.content, np.ndarray)
    return picture.content


def plain_crop(value: int) -> FaceCrop:
    """112 x 112 of one gray, 0 to 255, as a detector would hand it to a recognizer."""
    pixels = np.full((112, 112, 3), value, np.uint8)
    return FaceCrop(pixels, 0.9, Quality(0.0, value, 0.0, 0.0), (0.0, 0.0, 112.0, 112.0))
