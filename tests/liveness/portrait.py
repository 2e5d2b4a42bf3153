"""A photograph of a person who looks ahead, and where in it the detector found which landmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import FaceCrop, Image
from service.domain.ports import FaceEngine
from tests.engine.photographs import Picture

Floats = NDArray[np.float64]

SKIN = np.array([0.74, 0.86, 1.08])
"""Blue, green and red over the gray of a face."""

FRONTAL = {
    "amy": 5,
    "bernadette": 1,
    "howard": 4,
    "leonard": 2,
    "penny": 5,
    "raj": 1,
    "sheldon": 5,
    "stuart": 2,
}
"""Of each person of people/, the number of the photograph that shows the face most from the front."""


class Portrait:
    """`landmarks`: (5, 2) in pixels: the eyes, the nose, the corners of the mouth; the picture's left first.

    Measured upright and in eye distances from the middle of the eyes: x to the right, y down.
    """

    def __init__(self, photograph: Image, landmarks: Floats) -> None:
        self.photograph = photograph
        self._middle = (landmarks[0] + landmarks[1]) / 2
        right = landmarks[1] - landmarks[0]
        self._axes = np.stack((right, (-right[1], right[0])))
        self.scale = float(np.linalg.norm(right))
        """Pixels of an eye distance."""
        self.features = self.measured(landmarks)

    def measured(self, pixels: Floats) -> Floats:
        """(…, 2): where they are in the face."""
        return np.asarray((pixels - self._middle) @ self._axes.T / self.scale**2)

    def pixels(self, x: Floats, y: Floats) -> Floats:
        """(…, 2): the inverse of `measured`."""
        return np.asarray(self._middle + np.stack((x, y), -1) @ self._axes)

    @property
    def turned(self) -> float:
        """How far the nose is from between the eyes, to the picture's right."""
        return float(self.features[2, 0])

    @cached_property
    def mirrored(self) -> Portrait:
        width = self.photograph.shape[1]
        there = self.pixels(self.features[:, 0], self.features[:, 1])[[1, 0, 2, 4, 3]]
        there[:, 0] = width - 1 - there[:, 0]
        return Portrait(np.ascontiguousarray(self.photograph[:, ::-1]), there)


@dataclass(frozen=True, slots=True)
class PortrayedPerson:
    """Photographs of one person. `frontal`: the one that shows the face most from the front. `enrolled`: one
    that is in no head and on no sheet.
    """

    frontal: Portrait
    others: Sequence[Portrait]
    enrolled: Path

    @property
    def aside(self) -> Portrait:
        """The one that looks furthest to their own left, mirrored if need be."""
        furthest = max(self.others, key=lambda portrait: abs(portrait.turned))
        return furthest if furthest.turned > 0 else furthest.mirrored


def portrayed_person(name: str, photographs: Sequence[Path], engine: FaceEngine) -> PortrayedPerson:
    """`name`: whose of people/."""
    portraits = [portrait(path, engine) for path in photographs]
    frontal = portraits.pop(FRONTAL[name] - 1)
    enrolled = min(range(len(portraits)), key=lambda number: abs(portraits[number].turned))
    portraits.pop(enrolled)
    left = [path for number, path in enumerate(photographs, 1) if number != FRONTAL[name]]
    return PortrayedPerson(frontal, portraits, left[enrolled])


def widened(photograph: Image, border: int, blur: float) -> Image:
    """With so many pixels around it in the colors of its edge, blurred; the edge itself is not seen."""
    wide = cv2.copyMakeBorder(photograph, *(border,) * 4, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(wide, (0, 0), blur)
    inside = np.zeros(wide.shape[:2], np.float32)
    inside[border + 6 : -border - 6, border + 6 : -border - 6] = 1
    share = cv2.GaussianBlur(inside, (0, 0), 3)[:, :, None]
    return np.asarray(share * wide + (1 - share) * soft, np.uint8)


def portrait(path: Path, engine: FaceEngine) -> Portrait:
    """In the colors of skin, since the photographs of people/ are gray and no camera's frame is."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert gray is not None, path
    photograph = np.asarray(np.clip(gray[:, :, None] * SKIN, 0, 255), np.uint8)
    [crop] = engine.detect([Picture(photograph)])
    assert isinstance(crop, FaceCrop), path
    assert crop.landmarks is not None
    return Portrait(photograph, crop.landmarks)
