"""What a frame shows around its face, as numbers that survive an encoder and not a movement.

They are the strengths of plane waves (Gabor's functions) under a soft window about the face. The waves stand in the picture, not in
the face: a detector that finds the box elsewhere by a few pixels changes them little, a head that moves by two does. All of it is in pixels of a
picture whose longer side is 320, so that a resized one gives the same.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Box, Image
from service.domain.frame_hash import FEATURES

Floats: TypeAlias = NDArray[np.float64]

SIDE = 320

_SLOWEST, _FASTEST = 0.05, 0.2
"""Waves a pixel. Slower ones tell of light and hardly move with the head; faster ones an encoder takes away."""

_WINDOW = 0.35
"""Standard deviation of the window, in sides of the face."""

_REACH = 2.5
"""Standard deviations beyond which the window is shut."""

_GOLDEN = 0.6180339887
"""Multiples of it spread the directions evenly."""

_UNIT = 40
"""The root mean square of the features, of 127 at most."""

_FLAT = 1e-4
"""Root mean square of the strengths, in gray levels by waves a pixel, of a picture that shows nothing: of faces 0.01 and more."""


def frame_features(image: Image, box: Box) -> bytes:
    """256 signed bytes. `box` of the face in pixels of `image`. All are 0 where nothing is seen.

    To be kept under a key only: they tell what a face looks like.
    """
    gray, scale = _reduced(image)
    left, top, right, bottom = box
    side = scale * float(np.sqrt(max((right - left) * (bottom - top), 0.0)))
    spread = max(_WINDOW * side, 1.0)
    across = _Window(scale * (left + right) / 2, spread, gray.shape[1])
    down = _Window(scale * (top + bottom) / 2, spread, gray.shape[0])
    seen = gray[down.pixels, across.pixels]
    level = np.float32(down.weights @ seen @ across.weights)
    strengths = np.sum(down.waves(_DOWN) * ((seen - level) @ across.waves(_ACROSS)), axis=0)
    return _signed_bytes(strengths * np.hypot(_ACROSS, _DOWN))


def _waves() -> tuple[Floats, Floats]:
    """Waves a pixel across and down, in a ring: those that rise to the right, then their mirror images."""
    number = FEATURES // 4
    order = np.arange(number) + 0.5
    length = np.sqrt(_SLOWEST**2 + (_FASTEST**2 - _SLOWEST**2) * order / number)
    angle = np.pi / 2 * (order * _GOLDEN % 1)
    across, down = length * np.cos(angle), length * np.sin(angle)
    return np.concatenate([across, -across]), np.concatenate([down, down])


_ACROSS, _DOWN = _waves()


class _Window:
    """A bell about `middle`, cut to the picture's `size` pixels in one direction."""

    def __init__(self, middle: float, spread: float, size: int) -> None:
        middle = min(max(middle, 0.0), float(size))
        first = max(0, int(middle - _REACH * spread))
        end = min(size, int(middle + _REACH * spread) + 1)
        self.pixels = slice(first, end)
        places = np.arange(first, end) + 0.5
        bell = np.exp(-(((places - middle) / spread) ** 2) / 2)
        self.weights: Floats = bell / bell.sum()
        self._from_middle_of_picture = places - size / 2

    def waves(self, frequencies: Floats) -> NDArray[np.complex64]:
        """(pixels, waves), weighted."""
        phases = np.outer(self._from_middle_of_picture, frequencies)
        return (np.exp(-2j * np.pi * phases) * self.weights[:, None]).astype(np.complex64)


def _reduced(image: Image) -> tuple[NDArray[np.float32], float]:
    """Gray, its longer side `SIDE`; and by how much it was reduced."""
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    reduced = cv2.resize(image, size, interpolation=how)
    return np.asarray(cv2.cvtColor(reduced, cv2.COLOR_BGR2GRAY), np.float32), scale


def _signed_bytes(strengths: NDArray[np.complexfloating]) -> bytes:
    numbers = np.concatenate([strengths.real, strengths.imag])
    root_mean_square = float(np.sqrt(np.mean(numbers**2)))
    if root_mean_square < _FLAT:
        return bytes(FEATURES)
    scaled = np.round(numbers * (_UNIT / root_mean_square))
    return np.clip(scaled, -127, 127).astype(np.int8).tobytes()
