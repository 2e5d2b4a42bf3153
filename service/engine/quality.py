"""The cues of face image quality are measured on the aligned crop, whose eyes and mouth lie at fixed places."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image, Quality

_ROWS, _COLUMNS = (24 / 112, 100 / 112), (20 / 112, 92 / 112)
"""The part of the crop that is face and not hair or background, as shares of its side."""

BLUR_SIGMA = 1.5
"""Pixels of a crop of 112; of larger ones in proportion."""

OVEREXPOSED = 250


def quality_of(crop: Image, roll: float) -> Quality:
    """`crop`: aligned, side x side x 3. `roll`: degrees, of the photograph before it was aligned."""
    gray = _face_part(crop)
    return Quality(
        sharpness=_sharpness(gray, BLUR_SIGMA * crop.shape[0] / 112),
        brightness=float(gray.mean()),
        overexposure=float((gray >= OVEREXPOSED).mean()),
        roll=roll,
    )


def roll_of(landmarks: NDArray[Any]) -> float:
    """Degrees of the line from the left to the right eye in the picture; 0 upright.

    `landmarks`: (5, 2), the eyes first.
    """
    x, y = (float(each) for each in landmarks[1] - landmarks[0])
    return math.degrees(math.atan2(y, x))


def _face_part(crop: Image) -> NDArray[np.float32]:
    side = crop.shape[0]
    (top, bottom), (left, right) = ([round(each * side) for each in s] for s in (_ROWS, _COLUMNS))
    gray = cv2.cvtColor(crop[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return np.asarray(gray, dtype=np.float32)


def _sharpness(gray: NDArray[np.float32], sigma: float) -> float:
    """The smaller of the two directions: what moved sideways is still sharp up and down."""
    deviation = float(gray.std())
    if deviation == 0:
        return 0.0
    return min(_detail(gray, sigma, 0.0), _detail(gray, 0.0, sigma)) / deviation


def _detail(gray: NDArray[np.float32], across: float, down: float) -> float:
    blurred = cv2.sepFilter2D(gray, -1, _kernel(across), _kernel(down))
    return float(np.abs(gray - blurred).mean())


def _kernel(sigma: float) -> NDArray[np.float64]:
    """A Gaussian of three deviations to either side; of none: the one that changes nothing."""
    size = 2 * math.ceil(3 * sigma) + 1
    return np.asarray(cv2.getGaussianKernel(size, sigma or 1.0), dtype=np.float64)
