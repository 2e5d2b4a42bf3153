"""The cues of face image quality are measured on the aligned crop, whose eyes and mouth lie at fixed places.

Sharpness is what blurring the face takes away, over its contrast (Crete and others, "The blur effect", 2007): a
blurred face loses little. The noise of a sensor looks sharp, and comes after the lens: what it adds is taken off
(its level by Immerkær, "Fast noise variance estimation", 1996), and a second scale hardly sees it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image, Quality

Kernel: TypeAlias = NDArray[np.float32]
Gray: TypeAlias = NDArray[np.float32]

WIDTH, HEIGHT = 72, 76
"""Pixels at which a face part is measured: those that it has in a crop of 112."""

OVEREXPOSED = 250


@dataclass(frozen=True, slots=True)
class FacePart:
    """Where a crop has face, and not hair or background: its left, top, right and bottom in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def arcface_part(side: int) -> FacePart:
    """That of a crop as `insightface.utils.face_align` cuts it, 112 or 128 pixels wide or multiples."""
    beside = 0 if side % 112 == 0 else 8
    scale = side / (112 + 2 * beside)
    left, top, right, bottom = 20 + beside, 24, 92 + beside, 100
    return FacePart(*(round(each * scale) for each in (left, top, right, bottom)))


@dataclass(frozen=True, slots=True)
class Cut:
    """How a crop was cut out: `matrix` (2, 3) takes places of the photograph to those of the crop.

    `photograph`: its height and width; beyond it the crop is black.
    """

    matrix: NDArray[np.float64]
    photograph: tuple[int, int]
    part: FacePart


def quality_of(crop: Image, cut: Cut, roll: float) -> Quality:
    """`crop`: aligned, side x side x 3. `roll`: degrees, of the photograph before it was aligned."""
    gray, seen = _face_part(crop, cut.part), _within_photograph(cut)
    pixels = gray[seen]
    if not pixels.size:
        return Quality(0.0, 0.0, 0.0, roll)
    return Quality(
        sharpness=_sharpness(gray, seen),
        brightness=float(pixels.mean()),
        overexposure=float((pixels >= OVEREXPOSED).mean()),
        roll=roll,
    )


def roll_of(landmarks: NDArray[Any]) -> float:
    """Degrees of the line from the left to the right eye in the picture; 0 upright.

    `landmarks`: (5, 2), the eyes first.
    """
    x, y = (float(each) for each in landmarks[1] - landmarks[0])
    return math.degrees(math.atan2(y, x))


def _face_part(crop: Image, part: FacePart) -> Gray:
    """(HEIGHT, WIDTH)."""
    gray = cv2.cvtColor(
        crop[part.top : part.bottom, part.left : part.right], cv2.COLOR_BGR2GRAY
    ).astype(np.float32)
    if gray.shape == (HEIGHT, WIDTH):
        return gray
    reduced = cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.float32)


def _within_photograph(cut: Cut) -> NDArray[np.bool_]:
    """(HEIGHT, WIDTH): which pixels of the face part are photograph; the edge of a close-up is no detail."""
    part, (height, width) = cut.part, cut.photograph
    columns = np.linspace(part.left, part.right - 1, WIDTH)
    rows = np.linspace(part.top, part.bottom - 1, HEIGHT)
    (a, b, c), (d, e, f) = cv2.invertAffineTransform(cut.matrix)
    x = a * columns[None, :] + b * rows[:, None] + c
    y = d * columns[None, :] + e * rows[:, None] + f
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _gaussian(sigma: float) -> Kernel:
    """(size, 1): three deviations to either side."""
    return np.asarray(cv2.getGaussianKernel(2 * math.ceil(3 * sigma) + 1, sigma), np.float32)


def _padded(kernel: Kernel, side: int) -> Kernel:
    rows, columns = ((side - each) // 2 for each in kernel.shape)
    return np.pad(kernel, ((rows, rows), (columns, columns)))


def _what_blur_takes(before: Kernel, blur: Kernel) -> Kernel:
    """`before` less the same after `blur`."""
    after = np.asarray(cv2.filter2D(_padded(before, 15), -1, blur, borderType=0), np.float32)
    return _padded(before, 15) - after


_ALONG = _gaussian(1.5)
_ASLANT = _gaussian(1.5 / math.sqrt(2))
"""Neighbors on a diagonal lie farther apart."""
_NOTHING = np.ones((1, 1), np.float32)
_SMOOTH = _gaussian(1.0) @ _gaussian(1.0).T

_FINE: Sequence[Kernel] = [
    _what_blur_takes(_NOTHING, blur)
    for blur in (_ALONG, _ALONG.T, np.diag(_ASLANT[:, 0]), np.fliplr(np.diag(_ASLANT[:, 0])))
]
"""In four directions, of which the least counts: what moved is still sharp across its way."""

_COARSE = _what_blur_takes(_SMOOTH, _ALONG @ _ALONG.T)
COARSE_TO_FINE = 0.87
"""Of photographs that are just sharp enough the coarse scale shows 1 / 0.87 of the fine one."""

_NOISE = np.asarray([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Sees no edge, straight or not, but hardly anything else than noise."""

NOISE_MARGIN = 1.25
"""Alignment and JPEG smooth noise, so that more of it is there than `_NOISE` sees."""

_REACH = np.ones((11, 11), np.uint8)
"""How far the fine scale looks: of pixels nearer than that to the photograph's edge nothing is said."""


def _sharpness(gray: Gray, seen: NDArray[np.bool_]) -> float:
    inner = cv2.erode(seen.astype(np.uint8), _REACH, borderValue=1).astype(bool)
    contrast, smooth = float(gray[seen].std()), cv2.filter2D(gray, -1, _SMOOTH)
    if not inner.any() or contrast < 1:
        return 0.0
    noise = _mean_of(gray, _NOISE, inner) / float(np.linalg.norm(_NOISE))
    fine = min(_detail(gray, kernel, inner, noise) for kernel in _FINE) / contrast
    coarse = _detail(gray, _COARSE, inner, noise) / float(smooth[seen].std() or 1.0)
    return min(fine, coarse * COARSE_TO_FINE)


def _detail(gray: Gray, kernel: Kernel, inner: NDArray[np.bool_], noise: float) -> float:
    """Without what noise adds to it, which adds up by squares."""
    added = NOISE_MARGIN * noise * float(np.linalg.norm(kernel))
    return math.sqrt(max(0.0, _mean_of(gray, kernel, inner) ** 2 - added**2))


def _mean_of(gray: Gray, kernel: Kernel, inner: NDArray[np.bool_]) -> float:
    return float(np.abs(cv2.filter2D(gray, -1, kernel))[inner].mean())
