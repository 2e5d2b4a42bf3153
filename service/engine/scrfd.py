"""SCRFD detects faces as InsightFace 2 runs it, with less work around the model.

InsightFace decodes the box and the points of all 16,800 anchors and then keeps the few above the
threshold, and copies and converts the picture four times. Here only the few are decoded, and the
picture is written once into the model's input; and a close-up is not looked at in a size in which
its face is too large to be seen. Boxes, scores and landmarks are the same numbers: the tests compare
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import local
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image
from service.engine.packs import USUAL_SCALES, ModelTask, PixelScale
from service.engine.sessions import Network

Floats: TypeAlias = NDArray[np.float32]
Size: TypeAlias = tuple[int, int]
"""Width and height."""

CERTAIN = 0.79
"""Of 300 pictures upside down the highest score is 0.78 (`service/engine/finder.py`)."""

LAYOUTS = {9: ((8, 16, 32), 2), 15: ((8, 16, 32, 64, 128), 1)}
"""Strides and anchors in a cell by the number of outputs: scores, boxes and landmarks per stride."""

POINTS = 5

SIZES: Sequence[Size] = ((128, 128), (640, 640))
"""InsightFace 2's automatic ones, used together: at 640 alone SCRFD finds none of 40 close-up photographs
that it finds with both. A graph of one size only is given that one."""

OVERLAP = 0.4
"""Share of two boxes' union that they have in common above which they are one face: InsightFace's."""

USUAL_SCALE = USUAL_SCALES[ModelTask.DETECTION]

CLOSE_UP_MIN_SIDE = 0.65
"""Shorter side of a face, over the photograph's longer side, from which 640 pixels are too many to see
it. In 1,162 views of 40 portraits such a face scored at least 0.33 less there, and nearly always
nothing: its box and landmarks are those of the small size whether one looks again or not."""

CLOSE_UP_MIN_SCORE = 0.7
"""Score at the small size from which a face that near is beyond doubt."""

PREVIEW_SIZES = (320, 352, 416, 480)
PREVIEW_ENLARGEMENT = 2.25
"""Whether anybody else is there is looked for in the smallest of these sizes, in pixels, that enlarges
the photograph so many times: 480 costs half of what 640 does, 352 a third. Measured with 1,605
close-ups of 100 to 640 pixels that 640 counts two faces in, the second one at an edge, all give cause
to look again. Enlarged twice only, 11 of 379 small ones do not."""

PREVIEW_MIN_SCORE = 0.06
"""Score from which something at that size is cause to look again: one in twenty portraits with nobody
else in it gives such cause as well, and is then looked at as if there had been no preview."""

CLOSE_UP_MIN_FLOOR = 0.2
"""Whoever asks for scores below this is to see what only 640 pixels show: no close-up is spared."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """`scores`: (n,). `boxes`: (n, 4), corners. `landmarks`: (n, 5, 2). Pixels of the photograph."""

    scores: Floats
    boxes: Floats
    landmarks: Floats


_NOTHING = Proposals(*(np.empty((0, *one), np.float32) for one in ((), (4,), (POINTS, 2))))


class Scrfd:
    """`network`: of 9 or 15 outputs. `scale`: of the pixels that it takes.

    `spare_close_ups`: not to look at them in a size that tells nothing. Of no use on a GPU, where every
    size takes the same time, and each one that is used a plan of its own.
    """

    def __init__(
        self, network: Network, scale: PixelScale = USUAL_SCALE, *, spare_close_ups: bool = True
    ) -> None:
        self._network = network
        self._scale = scale
        self._sizes = _sizes(network.input_shape)
        self._spares_close_ups = spare_close_ups and len(self._sizes) > 1
        self._strides, self._anchors = LAYOUTS[len(network.output_names)]
        self.certain = CERTAIN
        self.sides: Sequence[int] = sorted(max(size) for size in self._sizes)
        self._buffer = InputBuffer()

    def detect(self, image: Image, floor: float) -> tuple[Floats, Floats]:
        """Faces scored `floor` or more: (n, 5) of corners and score, (n, 5, 2) of landmarks.

        A close-up is looked at in the small size and a preview only: it has what larger sizes find.
        """
        first, *others = self._sizes
        small = self._look(image, first, floor)
        if self._spares_close_ups and floor >= CLOSE_UP_MIN_FLOOR:
            boxes, landmarks = self._without_overlaps([small])
            if self._is_close_up(image, small, boxes):
                return boxes, landmarks
        larger = [self._look(image, size, floor) for size in others]
        return self._without_overlaps([small, *larger])

    def look(self, image: Image, side: int, floor: float) -> tuple[Floats, Floats]:
        """As `detect`, at one of its sizes only, and a face may be told several times."""
        found = self._look(image, _square(side), floor)
        return np.column_stack((found.boxes, found.scores)), found.landmarks

    def warm_up(self, rounds: int) -> None:
        """Look at nothing, so often, in every size that a photograph may be looked at in."""
        previews = PREVIEW_SIZES if self._spares_close_ups else ()
        looked_at = [*self._sizes, *map(_square, previews)]
        for width, height in looked_at * rounds:
            self._look(np.zeros((height, width, 3), np.uint8), (width, height), floor=1.0)

    def _is_close_up(self, image: Image, small: Proposals, boxes: Floats) -> bool:
        """Whether it shows one face, too near for a larger size to see, and nobody else.

        `boxes`: those of `small` without overlaps.
        """
        if len(boxes) != 1 or boxes[0, 4] < CLOSE_UP_MIN_SCORE:
            return False
        if _shorter_side(boxes[0]) < CLOSE_UP_MIN_SIDE * max(image.shape[:2]):
            return False
        preview = self._look(image, preview_size(image), PREVIEW_MIN_SCORE)
        everybody, _ = self._without_overlaps([small, preview])
        return len(everybody) == 1

    def _without_overlaps(self, found: Sequence[Proposals]) -> tuple[Floats, Floats]:
        """Best first, without those that overlap with better ones."""
        boxes = np.vstack([np.column_stack((one.boxes, one.scores)) for one in found])
        landmarks = np.vstack([one.landmarks for one in found])
        order = np.argsort(-boxes[:, 4], kind="stable")
        boxes, landmarks = boxes[order], landmarks[order]
        kept = _kept(boxes)
        return boxes[kept], landmarks[kept]

    def _look(self, image: Image, size: Size, floor: float) -> Proposals:
        """At one of the detector's sizes; best first."""
        fitted = fit(image, size)
        outputs = self._network.run(self._input(fitted, size))
        found = self._decoded(outputs, size, floor)
        order = np.argsort(-found.scores, kind="stable")
        scale = fitted.shape[0] / image.shape[0]
        return Proposals(
            found.scores[order], found.boxes[order] / scale, found.landmarks[order] / scale
        )

    def _input(self, fitted: Image, size: Size) -> NDArray[Any]:
        """(1, 3, height, width) red, green, blue: the picture at the top left, black elsewhere.

        The buffer is this thread's own, until its next photograph.
        """
        mean, factor = self._scale.mean, 1.0 / self._scale.deviation
        height, width = fitted.shape[:2]
        blob = self._buffer.of(size)
        blob[:, :, height:] = blob[:, :, :height, width:] = -mean * factor
        for channel, plane in enumerate(cv2.split(fitted)):
            target = blob[0, 2 - channel, :height, :width]
            cv2.addWeighted(plane, factor, plane, 0.0, -mean * factor, target, cv2.CV_32F)
        return blob.astype(self._network.input_type or np.float32, copy=False)

    def _decoded(self, outputs: list[Floats], size: Size, floor: float) -> Proposals:
        count = len(self._strides)
        levels = zip(
            self._strides,
            outputs[:count],
            outputs[count : 2 * count],
            outputs[2 * count :],
            strict=True,
        )
        found = [self._level(*level, size[0], floor) for level in levels]
        return Proposals(
            np.concatenate([one.scores for one in found]),
            np.vstack([one.boxes for one in found]),
            np.vstack([one.landmarks for one in found]),
        )

    def _level(
        self,
        stride: int,
        scores: Floats,
        boxes: Floats,
        landmarks: Floats,
        width: int,
        floor: float,
    ) -> Proposals:
        scores = scores.reshape(-1)
        passed = np.flatnonzero(scores >= floor)
        if not passed.size:
            return _NOTHING
        cells = passed // self._anchors
        columns = width // stride
        centers = np.stack((cells % columns, cells // columns), axis=1).astype(np.float32) * stride
        distances = boxes.reshape(-1, 4)[passed] * stride
        offsets = landmarks.reshape(-1, POINTS, 2)[passed] * stride
        corners = np.hstack((centers - distances[:, :2], centers + distances[:, 2:]))
        return Proposals(scores[passed], corners, centers[:, None] + offsets)


class InputBuffer(local):
    """Every thread's model input: 5 MB at 640, too large to take anew each time.

    Measured, it is 1 ms of page faults a photograph, and memory that comes and goes with the load.
    """

    def __init__(self) -> None:
        self._numbers = np.empty(0, np.float32)

    def of(self, size: Size) -> Floats:
        width, height = size
        if self._numbers.size < 3 * height * width:
            self._numbers = np.empty(3 * height * width, np.float32)
        return self._numbers[: 3 * height * width].reshape(1, 3, height, width)


def shows_landmarks(output_names: Sequence[str]) -> bool:
    """Whether it is one of InsightFace's detectors that tell where eyes, nose and mouth are."""
    return len(output_names) in LAYOUTS


def _sizes(shape: Sequence[int | str]) -> Sequence[Size]:
    """`shape`: of the graph's input; names stand for what is open."""
    height, width = shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return [(width, height)]
    return SIZES


def _kept(boxes: Floats) -> list[int]:
    """Without those that overlap with better ones. `boxes`: (n, 5), best first.

    Areas are those of whole pixels, as InsightFace counts them.
    """
    areas = np.prod(boxes[:, 2:4] - boxes[:, :2] + 1, axis=1)
    kept: list[int] = []
    left = np.arange(len(boxes))
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        first = np.maximum(boxes[best, :2], boxes[left, :2])
        last = np.minimum(boxes[best, 2:4], boxes[left, 2:4])
        shared = np.prod(np.maximum(0, last - first + 1), axis=1)
        left = left[shared / (areas[best] + areas[left] - shared) <= OVERLAP]
    return kept


def _shorter_side(box: Floats) -> float:
    left, top, right, bottom = box[:4]
    return float(min(right - left, bottom - top))


def preview_size(image: Image) -> Size:
    """The size in which to look whether anybody else is there."""
    wanted = PREVIEW_ENLARGEMENT * max(image.shape[:2])
    return _square(next((size for size in PREVIEW_SIZES if size >= wanted), PREVIEW_SIZES[-1]))


def _square(side: int) -> Size:
    return side, side


def fit(image: Image, size: Size) -> Image:
    """The picture scaled to fill `size` on one side, as InsightFace rounds it."""
    height, width = image.shape[:2]
    ratio = height / width
    if ratio > size[1] / size[0]:
        target = (int(size[1] / ratio), size[1])
    else:
        target = (size[0], int(size[0] * ratio))
    return np.asarray(cv2.resize(image, target), dtype=np.uint8)
