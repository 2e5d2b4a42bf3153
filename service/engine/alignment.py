"""Where a face lies in a photograph is told by five landmarks; it is turned, moved and scaled onto ArcFace's template.

The numbers are those of `insightface.utils.face_align`, bit by bit: a template made by either is one of the other's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ARCFACE_TEMPLATE: Final = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    np.float32,
)
"""Pixels of a crop of 112: the eyes, the nose, the corners of the mouth (Deng and others, "ArcFace", 2019)."""

ALIGNABLE_MULTIPLES: Final = (112, 128)
"""A recognizer's square is so many pixels, or a multiple: the template lies in the middle of 128."""


def alignment(landmarks: NDArray[Any], side: int) -> NDArray[np.float64]:
    """(2, 3): takes places of a photograph to those of its crop of `side` pixels. Nothing is cut by `landmarks`
    (5, 2) that lie all in one place.

    The least squares similarity transform (Umeyama, PAMI 1991; the numbers are those of its equations).
    """
    template = _template(side)
    middle, wanted_middle = landmarks.mean(axis=0), template.mean(axis=0)
    around = landmarks - middle
    covariance = (template - wanted_middle).T @ around / len(landmarks)  # 38
    left, strengths, right = np.linalg.svd(covariance)
    rank = np.count_nonzero(strengths > strengths.max() * len(strengths) * np.finfo(float).eps)
    if rank == 0:
        return np.zeros((2, 3))
    signs = np.array([1.0, -1.0 if np.linalg.det(covariance) < 0 else 1.0])  # 39
    scale = 1.0 / around.var(axis=0).sum() * (strengths @ signs)  # 41, 42
    turned = _rotation(left, right, signs if rank == 2 else None)
    matrix = np.column_stack((turned * scale, wanted_middle - scale * (turned @ middle)))
    return matrix if np.isfinite(matrix).all() else np.zeros((2, 3))


def beside_template(side: int) -> int:
    """Pixels of the template, to the left and to the right of its 112."""
    smaller, larger = ALIGNABLE_MULTIPLES
    return 0 if side % smaller == 0 else (larger - smaller) // 2


def ratio_to_template(side: int) -> float:
    """Pixels of a crop of `side` for each of the template."""
    return side / (ALIGNABLE_MULTIPLES[0] + 2 * beside_template(side))


def _rotation(
    left: NDArray[Any], right: NDArray[Any], signs: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """(2, 2). `signs`: None where landmarks on one line leave open whether they are mirrored: they are not."""
    if signs is None:  # 43
        if np.linalg.det(left) * np.linalg.det(right) > 0:
            return np.asarray(left @ right, np.float64)
        signs = np.array([1.0, -1.0])
    return np.asarray(left @ np.diag(signs) @ right, np.float64)  # 40


def _template(side: int) -> NDArray[np.float32]:
    """(5, 2)"""
    ratio = ratio_to_template(side)
    places = ARCFACE_TEMPLATE * ratio
    places[:, 0] += beside_template(side) * ratio
    return places
