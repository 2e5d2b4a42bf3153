"""YuNet detects faces as OpenCV runs it: three maps, whose every cell stands for one place.

The published graph takes 640 x 640 pixels only, though nothing in it depends on the size; OpenCV runs it in
that of the picture. Here it is opened to any size, and looks at each picture in two: it was trained on faces of
10 to 300 pixels (opencv/opencv_zoo, models/face_detection_yunet), and a close-up has more at 640.
Boxes and landmarks are those of `cv2.FaceDetectorYN`, and so are scores but for their scale: the tests compare them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image
from service.engine.graphs import opened
from service.engine.scrfd import POINTS, Floats, InputBuffer, Proposals, Size, fit
from service.engine.sessions import Network

STRIDES = (8, 16, 32)
OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]

SIZES = ((320, 320), (640, 640))
"""Looked at together: at 640 alone 3 of 40 close-ups show no face, at 160 landmarks are twice as far from
SCRFD's as at 320 (0.13 of the eye distance against 0.06; measured on 440 photographs)."""

POWER = math.log(0.6) / math.log(0.85)
"""By which YuNet's scores are raised: its 0.85 is then the service's default threshold, 0.6.

It gives faces 0.91 and more (of 645 photographs), and hands and folds of cloth, enlarged, 0.6 and more: of 161 pieces
of scenes/ without a face 9 at 0.6, 1 at 0.85, 0.87 at most. SCRFD gives those 0.45 at most. OpenCV asks for 0.9."""

CERTAIN = 0.8
"""YuNet's own 0.93: of 380 pictures upside down the highest score is its 0.91, of 380 upright ones the median 0.94."""

OVERLAP = 0.3
"""Share of two boxes' union that they have in common above which they are one face: OpenCV's default."""


def is_yunet(output_names: list[str]) -> bool:
    return set(output_names) == set(OUTPUTS)


def resizable(path: Path) -> bytes:
    """The same graph for pictures of any size whose sides are multiples of the largest stride."""
    model = opened(path)
    height, width = model.graph.input[0].type.tensor_type.shape.dim[2:]
    height.dim_param, width.dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"{output.name}_cells"
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


class YuNet:
    """`network`: of a `resizable` graph. `sizes`: looked at together, as width and height."""

    def __init__(self, network: Network, sizes: Sequence[Size] = SIZES) -> None:
        self._network = network
        self._sizes = tuple(sizes)
        self._buffer = InputBuffer()
        self.certain = CERTAIN
        self.sides: Sequence[int] = sorted(max(size) for size in sizes)

    def detect(self, image: Image, floor: float) -> tuple[Floats, Floats]:
        """Faces scored `floor` or more, best first: (n, 5) of corners and score, (n, 5, 2) of landmarks."""
        found = [self._look(image, size, floor) for size in self._sizes]
        boxes = np.vstack([np.column_stack((one.boxes, one.scores)) for one in found])
        landmarks = np.vstack([one.landmarks for one in found])
        kept = _without_overlaps(boxes)
        return boxes[kept], landmarks[kept]

    def look(self, image: Image, side: int, floor: float) -> tuple[Floats, Floats]:
        """As `detect`, at one size only, and a face may be told several times."""
        found = self._look(image, (side, side), floor)
        return np.column_stack((found.boxes, found.scores)), found.landmarks

    def warm_up(self, rounds: int) -> None:
        """Look at nothing, so often, in every size."""
        for width, height in self._sizes * rounds:
            self._look(np.zeros((height, width, 3), np.uint8), (width, height), floor=1.0)

    def _look(self, image: Image, size: Size, floor: float) -> Proposals:
        fitted = fit(image, size)
        outputs = self._network.run(self._input(fitted, size))
        maps = dict(zip(self._network.output_names, outputs, strict=True))
        levels = [_level(maps, stride, size[0] // stride, floor) for stride in STRIDES]
        scale = fitted.shape[0] / image.shape[0]
        return Proposals(
            np.concatenate([one.scores for one in levels]),
            np.vstack([one.boxes for one in levels]) / scale,
            np.vstack([one.landmarks for one in levels]) / scale,
        )

    def _input(self, fitted: Image, size: Size) -> Floats:
        """(1, 3, height, width) blue, green, red of 0 to 255: the picture at the top left, black elsewhere."""
        height, width = fitted.shape[:2]
        blob = self._buffer.of(size)
        blob[:, :, height:] = blob[:, :, :height, width:] = 0.0
        blob[0, :, :height, :width] = fitted.transpose(2, 0, 1)
        return blob


def _level(maps: dict[str, NDArray[Any]], stride: int, columns: int, floor: float) -> Proposals:
    """What one map proposes: boxes and landmarks are told from the cell's corner, in strides."""
    likely, faces = (np.clip(maps[f"{kind}_{stride}"].ravel(), 0.0, 1.0) for kind in ("cls", "obj"))
    scores = np.sqrt(likely * faces) ** POWER
    passed = np.flatnonzero(scores >= floor)
    cells = np.stack((passed % columns, passed // columns), axis=1).astype(np.float32)
    told = maps[f"bbox_{stride}"][0][passed]
    centers = (cells + told[:, :2]) * stride
    halves = np.exp(told[:, 2:]) * stride / 2
    points = maps[f"kps_{stride}"][0][passed].reshape(-1, POINTS, 2)
    return Proposals(
        scores[passed],
        np.hstack((centers - halves, centers + halves)),
        (points + cells[:, None]) * stride,
    )


def _without_overlaps(boxes: Floats) -> list[int]:
    """Best first, without those that overlap with better ones. `boxes`: (n, 5)."""
    sides = np.column_stack((boxes[:, :2], boxes[:, 2:4] - boxes[:, :2])).tolist()
    return [int(one) for one in cv2.dnn.NMSBoxes(sides, boxes[:, 4].tolist(), 0.0, OVERLAP)]
