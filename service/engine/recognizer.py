"""A recognizer makes numbers of aligned crops: ArcFace as InsightFace runs it, SFace as OpenCV does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Image
from service.engine.packs import AS_THEY_ARE, PixelScale
from service.engine.sessions import Network

Numbers: TypeAlias = NDArray[np.float32]


class Recognizer:
    """`crop_side`: pixels of the square that it takes. `takes_one`: whether its graph takes one crop at a time."""

    def __init__(self, network: Network, scale: PixelScale) -> None:
        """`network`: of (1 or n, 3, side, side) pixels, red first, scaled by `scale`, and (1 or n, dimensions) numbers."""
        self._network = network
        self._scale = scale
        self.crop_side = int(network.input_shape[3])
        self.takes_one = network.input_shape[0] == 1
        self.input_name = network.input_name
        self.providers: Sequence[str] = network.providers

    def numbers(self, crops: Sequence[Image]) -> Numbers:
        """(n, dimensions), as the graph gives them: not normalized."""
        batches = [[crop] for crop in crops] if self.takes_one else [list(crops)]
        return np.vstack([self._features(batch) for batch in batches])

    def blob(self, crops: Sequence[Image]) -> NDArray[Any]:
        """(n, 3, side, side): the graph's input."""
        factor, mean = 1.0 / self._scale.deviation, (self._scale.mean,) * 3
        size = (self.crop_side, self.crop_side)
        blob = cv2.dnn.blobFromImages(list(crops), factor, size, mean, swapRB=True)
        return np.asarray(blob, self._network.input_type)

    def _features(self, crops: Sequence[Image]) -> NDArray[Any]:
        [numbers] = self._network.run(self.blob(crops))
        return np.asarray(numbers)


class ArcFace(Recognizer):
    """InsightFace's recognizer is told by its pack how its pixels are scaled."""


class SFace(Recognizer):
    """OpenCV's recognizer takes pixels as they are: its graph scales them itself.

    So does `cv2.FaceRecognizerSF`, with whose answers the tests compare these.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(network, AS_THEY_ARE)
