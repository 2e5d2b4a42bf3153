"""Which of the faces in a photograph counts: exactly one may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain.face import Box, Reason, Refusal

MIN_FACE_SIDE = 32.0
"""Pixels of a face box's shorter side below which a face is refused.

Recognizers see 112 or 150 pixels: a face of less than about a quarter of that is mostly invented
by the enlargement, and strangers begin to look alike.
"""

DETECTION_FLOOR = 0.3
"""Score down to which detectors are asked to report.

Below the threshold a face does not count, but the person can be told that it was seen badly
rather than not at all. Under 0.3 nearly everything reported is not a face.
"""

SCORE_MARGIN = 0.1
"""Distance of a score to the threshold within which a reduced picture decides nothing.

Measured on 148 photographs enlarged to 12 and 40 megapixels, or set into 12: reducing moves the
score of a face that has a crop's pixels by 0.006 at most, of a smaller one by 0.11.
"""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """`box`: left, top, right, bottom in pixels. `landmarks`: (5, 2), where the detector has them."""

    score: float
    box: Box
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def shorter_side(self) -> float:
        left, top, right, bottom = self.box
        return min(right - left, bottom - top)

    def box_in_whole(self, denominator: int) -> Box:
        """The box in the photograph as it was before it was decoded at 1 / `denominator`."""
        left, top, right, bottom = (side * denominator for side in self.box)
        return left, top, right, bottom


def found_faces(boxes: NDArray[Any], landmarks: NDArray[Any]) -> list[FoundFace]:
    """From SCRFD's arrays: (n, 5) of corners and score, (n, 5, 2) of points.

    What is not finite is no face: a detector can say so of an all black picture.
    """
    return [
        FoundFace(
            float(row[4]), (float(row[0]), float(row[1]), float(row[2]), float(row[3])), points
        )
        for row, points in zip(boxes, landmarks, strict=True)
        if np.isfinite(row).all() and np.isfinite(points).all()
    ]


def only_face(faces: Sequence[FoundFace], threshold: float) -> FoundFace | Refusal:
    """The one face that reaches `threshold` (0 to 1), or why there is none to use."""
    if not faces:
        return Refusal(Reason.NO_FACE)
    best = max(faces, key=lambda face: face.score)
    counted = sum(face.score >= threshold for face in faces)
    if counted == 0:
        return Refusal(Reason.LOW_DETECTION_SCORE, best.score)
    if counted > 1:
        return Refusal(Reason.MULTIPLE_FACES, best.score)
    if best.shorter_side < MIN_FACE_SIDE:
        return Refusal(Reason.FACE_TOO_SMALL, best.score)
    return best


def is_settled(faces: Sequence[FoundFace], threshold: float, crop_side: int) -> bool:
    """Whether what is seen in a reduced picture holds for the whole one as well.

    That is: two faces or more beyond doubt, or one beyond doubt that has the pixels of a crop of
    `crop_side`, and nobody else near the threshold.
    """
    clear = [face for face in faces if face.score >= threshold + SCORE_MARGIN]
    if len(clear) > 1:
        return True
    doubtful = any(abs(face.score - threshold) < SCORE_MARGIN for face in faces)
    return bool(clear) and not doubtful and clear[0].shorter_side >= crop_side
