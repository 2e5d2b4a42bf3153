"""The cues of face image quality are measured on the aligned crop, whose eyes and mouth lie at fixed places.

Sharpness is what blurring the face takes away, over its contrast (Crete and others, "The blur effect", 2007): a
blurred face loses little. The noise of a sensor looks sharp, and comes after the lens: what it adds is taken off
(its level by Immerkær, "Fast noise variance estimation", 1996), and a second scale hardly sees it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image, Quality
from service.engine.alignment import beside_template, ratio_to_template

Kernel: TypeAlias = NDArray[np.float32]
Gray: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.uint8]
"""(HEIGHT, WIDTH), 1 where pixels count."""

WIDTH, HEIGHT = 72, 76
"""Pixels at which a face part is measured: those that it has in a crop of 112."""

OVEREXPOSED = 250

LEAST_CONTRAST = 1.0
"""Standard deviation of gray below which a picture shows nothing."""

LEAST_FACE_CONTRAST = 10.0
"""That below which a face is behind a haze, in which faces are alike: of 440 untouched ones none is below 22."""


@dataclass(frozen=True, slots=True)
class FacePart:
    """Where a crop has face, and not hair or background: its left, top, right and bottom in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def arcface_part(side: int) -> FacePart:
    """That of a crop as `service/engine/alignment.py` cuts it, 112 or 128 pixels wide or multiples."""
    beside, scale = beside_template(side), ratio_to_template(side)
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
    pixels = cv2.countNonZero(seen)
    if not pixels:
        return Quality(0.0, 0.0, 0.0, roll)
    measured = _measured(gray, seen, LEAST_FACE_CONTRAST)
    return Quality(
        sharpness=measured.sharpness,
        features=measured.features,
        brightness=cv2.mean(gray, seen)[0],
        overexposure=cv2.countNonZero(seen * (gray >= OVEREXPOSED)) / pixels,
        roll=roll,
    )


def quality_of_picture(image: Image) -> Quality | None:
    """That of a picture in which no face is seen: light tells why. None where all of it is one color."""
    reduced = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    gray = np.asarray(cv2.cvtColor(reduced, cv2.COLOR_BGR2GRAY), np.float32)
    if gray.std() < LEAST_CONTRAST:
        return None
    everywhere = np.ones(gray.shape, np.uint8)
    overexposure = float((gray >= OVEREXPOSED).mean())
    return Quality(
        _measured(gray, everywhere, LEAST_CONTRAST).sharpness,
        float(gray.mean()),
        overexposure,
        roll=0.0,
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


def _within_photograph(cut: Cut) -> Mask:
    """Which pixels of the face part are photograph; the edge of a close-up is no detail."""
    part, (height, width) = cut.part, cut.photograph
    columns = np.linspace(part.left, part.right - 1, WIDTH)
    rows = np.linspace(part.top, part.bottom - 1, HEIGHT)
    (a, b, c), (d, e, f) = cv2.invertAffineTransform(cut.matrix)
    x = a * columns[None, :] + b * rows[:, None] + c
    y = d * columns[None, :] + e * rows[:, None] + f
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(within, np.uint8)


def _gaussian(sigma: float) -> Kernel:
    """(size, 1): three deviations to either side."""
    return np.asarray(cv2.getGaussianKernel(2 * math.ceil(3 * sigma) + 1, sigma), np.float32)


def _taken_by(blur: Kernel, start: Kernel) -> Kernel:
    """What `blur` takes away of `start`."""
    kept = cv2.filter2D(start, -1, blur, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(start - kept, np.float32)


def _centered(kernel: Kernel, side: int) -> Kernel:
    rows, columns = ((side - each) // 2 for each in kernel.shape)
    return np.pad(kernel, ((rows, rows), (columns, columns)))


def _gain(kernel: Kernel) -> float:
    """How much noise is left by it, over how much there was."""
    return float(np.linalg.norm(kernel))


_POINT = np.ones((1, 1), np.float32)
_ALONG, _ASLANT = _gaussian(1.5), np.diag(_gaussian(1.5 / math.sqrt(2))[:, 0])
"""Neighbors on a diagonal lie farther apart."""

_FINE = [
    _taken_by(blur, np.pad(_POINT, [(side // 2, side // 2) for side in blur.shape]))
    for blur in (_ALONG, _ALONG.T, _ASLANT, np.ascontiguousarray(np.fliplr(_ASLANT)))
]
"""In four directions, of which the least counts: what moved is still sharp across its way."""

_FINE_GAINS = [_gain(one) for one in _FINE]

_SMOOTH = _gaussian(1.0)
_COARSE_GAIN = _gain(_taken_by(_ALONG @ _ALONG.T, _centered(_SMOOTH @ _SMOOTH.T, 17)))

COARSE_TO_FINE = 0.87
"""The coarse scale shows 1 / 0.87 of what the fine one does, of photographs that are just sharp enough."""

_ROUND_GAIN = _gain(_taken_by(_ALONG @ _ALONG.T, _centered(_POINT, 11)))

_FEATURES = [
    (slice(23, 34), slice(9, 28)),
    (slice(23, 34), slice(44, 63)),
    (slice(62, 75), slice(23, 50)),
]
"""Rows and columns of either eye and of the mouth."""

_NOISE = np.asarray([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Sees no edge along the pixels, and hardly anything else than noise."""

_NOISE_GAIN = _gain(_NOISE)

NOISE_MARGIN = 1.25
"""Alignment and JPEG smooth noise, so that more of it is there than `_NOISE` sees."""

MOST_NOISE = 0.8
"""Share of what the fine scale shows from which it shows noise: of a picture dithered to few colors, say."""

_REACH = np.ones((11, 11), np.uint8)
"""How far the fine scale looks: of pixels nearer than that to the photograph's edge nothing is said."""


@dataclass(frozen=True, slots=True)
class _Measured:
    sharpness: float
    features: float


def _measured(gray: Gray, seen: Mask, least_contrast: float) -> _Measured:
    """Nothing below `least_contrast`."""
    inner = np.asarray(cv2.erode(seen, _REACH, borderValue=1), np.uint8)
    contrast = _contrast(gray, seen)
    if not cv2.countNonZero(inner) or contrast < least_contrast:
        return _Measured(0.0, 0.0)
    noise = _mean_of(cv2.filter2D(gray, -1, _NOISE), inner) / _NOISE_GAIN
    return _Measured(
        _sharpness(gray, inner, noise, contrast), _least_of_features(gray, noise) / contrast
    )


def _contrast(gray: Any, where: Mask) -> float:  # noqa: ANN401 - OpenCV's arrays
    """The standard deviation."""
    return float(cv2.meanStdDev(gray, mask=where)[1][0, 0])


def _sharpness(gray: Gray, inner: Mask, noise: float, contrast: float) -> float:
    smooth = cv2.sepFilter2D(gray, -1, _SMOOTH, _SMOOTH)
    smooth_contrast = _contrast(smooth, inner) or 1.0
    taken = smooth - cv2.sepFilter2D(smooth, -1, _ALONG, _ALONG)
    coarse = COARSE_TO_FINE * _detail(taken, _COARSE_GAIN, inner, noise) / smooth_contrast
    fine = [cv2.filter2D(gray, -1, one) for one in _FINE]
    if noise * _FINE_GAINS[0] > MOST_NOISE * min(_mean_of(each, inner) for each in fine):
        return coarse
    details = (_detail(*each, inner, noise) for each in zip(fine, _FINE_GAINS, strict=True))
    return min(coarse, *(each / contrast for each in details))


def _least_of_features(gray: Gray, noise: float) -> float:
    """Of a mask or of sunglasses the inside is plain."""
    taken = gray - cv2.sepFilter2D(gray, -1, _ALONG, _ALONG)
    return min(_detail(taken[place], _ROUND_GAIN, None, noise) for place in _FEATURES)


def _detail(taken: Any, gain: float, where: Mask | None, noise: float) -> float:  # noqa: ANN401
    """Without what noise adds to it, which adds up by squares. `gain`: of the kernel that took it."""
    added = NOISE_MARGIN * noise * gain
    return math.sqrt(max(0.0, _mean_of(taken, where) ** 2 - added**2))


def _mean_of(taken: Any, where: Mask | None) -> float:  # noqa: ANN401 - OpenCV's arrays
    """Of what was taken, whichever its sign."""
    pixels = taken.size if where is None else cv2.countNonZero(where)
    return float(cv2.norm(taken, cv2.NORM_L1, where)) / pixels
