"""The faces that a neural detector sees in a picture, and whether they are the right way up.

That is told by a sheet that shows a picture in all four turns at once.

Detectors find a face that is upside down as if it stood, or badly: of 300 pictures turned by 180 degrees SCRFD found
89 with a score up to 0.78 and eyes where the mouth is. In one more look each turn competes with the others: of
these 89 a turned copy won 89 times, of 300 upright ones never (people/ and orl/, as they are and in larger pictures).
YuNet found 380 of 380, by scores of its own up to 0.91; a turned copy won 380 times, of 380 upright ones never.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from service.domain.face import Box, Image
from service.engine.models import Detector
from service.engine.selection import DETECTION_FLOOR, FoundFace, found_faces

AROUND_FACE = 1.6
"""Side of what is shown of a picture, over the longer side of the face's box."""

LEAST_SCORE = 0.5
"""Score of a turned copy below which it tells nothing."""

MAX_ASPECT_RATIO = 16
"""Longer side over shorter above which a picture is given black bars.

SCRFD scales to 128 pixels: the shorter side of a 129 x 1 strip would become 0.
"""


class FaceFinder:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.side = detector.sides[-1]
        """Pixels of the longer side to which every picture is reduced."""

    def faces(self, image: Image, floor: float) -> list[FoundFace]:
        """Those scored `floor` or more."""
        return found_faces(*self._detector.detect(_widened(image), floor))

    def is_turned(self, image: Image, face: FoundFace) -> bool:
        """Whether `face`, found in `image`, lies on its side or on its head."""
        side = self._detector.sides[0]
        return face.score < self._detector.certain and self._shows_turned(
            sheet_of_face(image, face.box, side), side
        )

    def picture_is_turned(self, image: Image) -> bool:
        """Whether a face is seen in it only once the picture is turned: as dear as `faces`."""
        return self._shows_turned(sheet_of_picture(image, self.side), self.side)

    def warm_up(self, rounds: int) -> None:
        """Look at nothing, so often, in every size that a photograph may be looked at in."""
        self._detector.warm_up(rounds)

    def _shows_turned(self, sheet: Image, side: int) -> bool:
        return is_turned(found_faces(*self._detector.look(sheet, side, DETECTION_FLOOR)), side)


def _widened(image: Image) -> Image:
    height, width = image.shape[:2]
    least = -(-max(height, width) // MAX_ASPECT_RATIO)
    below, right = max(0, least - height), max(0, least - width)
    if below == right == 0:
        return image
    return np.asarray(
        cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT), dtype=np.uint8
    )


def sheet_of_face(image: Image, box: Box, side: int) -> Image:
    """(side, side, 3): four copies of the face and what is around it, each turned by 90 degrees more."""
    left, top, right, bottom = box
    cell, shown = side // 2, AROUND_FACE * max(right - left, bottom - top, 1.0)
    scale = cell / shown
    x, y = (left + right) / 2, (top + bottom) / 2
    matrix = np.asarray([[scale, 0, cell / 2 - scale * x], [0, scale, cell / 2 - scale * y]])
    return _sheet(np.asarray(cv2.warpAffine(image, matrix, (cell, cell)), np.uint8))


def sheet_of_picture(image: Image, side: int) -> Image:
    """(side, side, 3): four copies of all of it."""
    height, width = image.shape[:2]
    cell = side // 2
    scale = cell / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    square = np.zeros((cell, cell, 3), np.uint8)
    square[: size[1], : size[0]] = fitted
    return _sheet(square)


def _sheet(square: Image) -> Image:
    upright, *turned = (np.rot90(square, turns) for turns in range(4))
    return np.vstack([np.hstack([upright, turned[0]]), np.hstack(turned[1:])])


def is_turned(faces: Sequence[FoundFace], side: int) -> bool:
    """Whether the best face on a sheet of `side` pixels is in a copy that was turned."""
    best = max(faces, key=lambda face: face.score, default=None)
    if best is None or best.score < LEAST_SCORE:
        return False
    left, top, right, bottom = best.box
    return left + right >= side or top + bottom >= side
