"""Which of the faces in a photograph counts: the only one, or the one that is beyond doubt the subject's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain.face import Box, Faces, Reason, Refusal

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

DOMINANCE = 2.0
"""Times as large as another face, by the shorter side, from which one stands clearly in front of it.

A side and not the area: twice the area is a side of 1.4, as two people have who stand a step apart.
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
    landmarks: NDArray[Any] | None = field(default=None, repr=False)

    @property
    def shorter_side(self) -> float:
        left, top, right, bottom = self.box
        return min(right - left, bottom - top)

    def distance_to(self, x: float, y: float) -> float:
        """Pixels from the middle of the face."""
        left, top, right, bottom = self.box
        return math.hypot((left + right) / 2 - x, (top + bottom) / 2 - y)

    def in_whole(self, denominator: int) -> FoundFace:
        """The face in the photograph as it was before it was decoded at 1 / `denominator`."""
        left, top, right, bottom = (side * denominator for side in self.box)
        points = self.landmarks
        if points is not None:
            points = np.asarray(points, np.float64) * denominator
        return FoundFace(self.score, (left, top, right, bottom), points)


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


@dataclass(frozen=True, slots=True)
class SelectedFace:
    """The face that counts. `ignored`: others that reach the threshold as well and were left out."""

    face: FoundFace
    ignored: int = 0


def selected_face(
    faces: Sequence[FoundFace], threshold: float, rule: Faces, picture: tuple[int, int]
) -> SelectedFace | Refusal:
    """The subject's face among those that reach `threshold` (0 to 1), or why there is none to use.

    `picture`: height and width in pixels.
    """
    if not faces:
        return Refusal(Reason.NO_FACE)
    likeliest = likeliest_face(faces)
    best = likeliest.score
    counted = [face for face in faces if face.score >= threshold]
    if not counted and likeliest.shorter_side < MIN_FACE_SIDE:
        return Refusal(Reason.FACE_TOO_SMALL, best, box=likeliest.box)
    if not counted:
        return Refusal(Reason.LOW_DETECTION_SCORE, best, box=likeliest.box)
    subject = dominant_face(counted, picture) if rule is Faces.DOMINANT else _only(counted)
    if subject is None:
        return Refusal(Reason.MULTIPLE_FACES, best)
    if (badly_seen := _score_in_front_of(subject, faces)) is not None:
        return Refusal(Reason.LOW_DETECTION_SCORE, badly_seen)
    ignored = len(counted) - 1
    if subject.shorter_side < MIN_FACE_SIDE:
        small = Reason.FACE_TOO_SMALL
        return Refusal(small, subject.score, box=subject.box, ignored_faces=ignored)
    return SelectedFace(subject, ignored)


def likeliest_face(faces: Sequence[FoundFace]) -> FoundFace:
    return max(faces, key=lambda face: face.score)


def _only(faces: Sequence[FoundFace]) -> FoundFace | None:
    return faces[0] if len(faces) == 1 else None


def _score_in_front_of(subject: FoundFace, faces: Sequence[FoundFace]) -> float | None:
    """The score of a face `DOMINANCE` times as large as the one that counts; None where there is none.

    It was seen badly: in the light of a window a detector is sure of the portrait on the wall only,
    which is not who stands before it.
    """
    scores = [face.score for face in faces if face.shorter_side >= DOMINANCE * subject.shorter_side]
    return max(scores, default=None)


def dominant_face(faces: Sequence[FoundFace], picture: tuple[int, int]) -> FoundFace | None:
    """The face that is `DOMINANCE` times as large as any other and nearer to the middle than any other.

    `picture`: height and width in pixels. None where there is no such face: who the subject is, is
    then anybody's guess.
    """
    height, width = picture
    largest, *others = sorted(faces, key=lambda face: face.shorter_side, reverse=True)
    distance = largest.distance_to(width / 2, height / 2)
    behind = all(
        largest.shorter_side >= DOMINANCE * other.shorter_side
        and distance < other.distance_to(width / 2, height / 2)
        for other in others
    )
    return largest if behind else None


def is_settled(faces: Sequence[FoundFace], threshold: float, crop_side: int, rule: Faces) -> bool:
    """Whether what is seen in a reduced picture holds for the whole one as well.

    That is: two faces or more beyond doubt where one is allowed, or the largest beyond doubt that
    has the pixels of a crop of `crop_side`, and nobody near the threshold.
    """
    clear = [face for face in faces if face.score >= threshold + SCORE_MARGIN]
    if rule is Faces.ONE and len(clear) > 1:
        return True
    doubtful = any(abs(face.score - threshold) < SCORE_MARGIN for face in faces)
    largest = max((face.shorter_side for face in clear), default=0.0)
    return not doubtful and largest >= crop_side
