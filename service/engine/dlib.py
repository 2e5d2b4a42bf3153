"""The dlib engine has a HOG detector and a ResNet, whose weights (from PyPI, CC0) serve any purpose.

Faces are found by OpenCV's YuNet where it is at hand, else by dlib's frontal HOG detector. dlib's landmarks and network
work on the boxes of either, and decide the same (docs/decisions/0023-sface.md). dlib's own neural detector (mmod) takes 80 times what HOG
takes, finds one face more or less in a group, and separates people no better. HOG wants the photograph
doubled: it then finds faces from about 40 pixels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.errors import ModelUnavailable
from service.domain.face import (
    Detection,
    EmbeddedFace,
    FaceCrop,
    Faces,
    Image,
    Photograph,
    Reason,
    Refusal,
)
from service.domain.ports import FrameObserver, ModelIdentity
from service.domain.quality import refused
from service.domain.template import embedded_face
from service.engine.download import sha256_of
from service.engine.finder import FaceFinder
from service.engine.licenses import DLIB
from service.engine.pool import WorkerPool
from service.engine.quality import Cut, FacePart, quality_of, roll_of
from service.engine.selection import DETECTION_FLOOR, FoundFace, SelectedFace, selected_face

DESCRIPTOR_SIZE = 128
"""Numbers that dlib's ResNet gives for a face."""

_INSTALL = "install it in the clone with: pip install '.[dlib]'"
_MEAN_FILE = "dlib_population_mean.json"


@dataclass(frozen=True, slots=True)
class DlibWeights:
    """`landmarks`: dlib's five points. Its 68 points are left alone: not free for companies."""

    landmarks: Path
    recognition: Path


def import_dlib() -> Any:  # noqa: ANN401 - dlib has no types
    """Raises `ModelUnavailable`."""
    try:
        import dlib
    except ImportError as error:
        cause = f"dlib is not installed or cannot be loaded ({error}); {_INSTALL}"
        raise ModelUnavailable(model=DLIB, path="site-packages", cause=cause) from error
    return dlib


def find_weights(package: str = "face_recognition_models") -> DlibWeights:
    """Locate the weights without importing their package, which needs the retired pkg_resources.

    Raises `ModelUnavailable`.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        cause = f"{package} is not installed; {_INSTALL}"
        raise ModelUnavailable(model=DLIB, path="site-packages", cause=cause)
    folder = Path(spec.origin).parent / "models"
    return DlibWeights(
        _existing(folder / "shape_predictor_5_face_landmarks.dat"),
        _existing(folder / "dlib_face_recognition_resnet_model_v1.dat"),
    )


def population_mean() -> NDArray[np.float64]:
    """(128,): the descriptor of nobody in particular; `scripts/dlib_mean.py` writes it."""
    text = resources.files("service.engine").joinpath(_MEAN_FILE).read_text(encoding="utf-8")
    return np.asarray(json.loads(text)["mean"], dtype=np.float64)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelUnavailable(model=DLIB, path=path, cause=f"the file is missing; {_INSTALL}")
    return path


CHIP_SIZE = 150
"""Pixels of the square that dlib's ResNet takes."""

CHIP_PADDING = 0.25
"""dlib's own: the share of the face that it leaves to either side."""

CHIP_PART = FacePart(20, 6, 128, 119)
"""By the places of the eyes in dlib's mean face, the same part as of an ArcFace crop."""

UPSAMPLING = 1
"""Doublings before detection; see the module's docstring."""

MAX_DETECTION_SIDE = 1280
"""Longer side, in pixels, to which photographs are reduced before detection (0.45 s at this size).
The crop is still cut from the original."""

SCORE_AT_ZERO = 0.6
"""Detection score of a face at dlib's own decision threshold, a HOG margin of 0.

0.6 is the service's default `detection_threshold`: the default then means dlib's default.
"""


class Hog:
    """dlib's frontal detector. It keeps scratch memory inside: one picture at a time."""

    def __init__(self, detector: Any) -> None:  # noqa: ANN401 - dlib's
        self._detector = detector
        self._lock = Lock()

    def faces(self, image: Image, floor: float) -> list[FoundFace]:
        """Those scored `floor` or more."""
        scale = min(1.0, MAX_DETECTION_SIDE / max(image.shape[:2]))
        with self._lock:
            boxes, margins, _ = self._detector.run(
                _reduced(_to_rgb(image), scale), UPSAMPLING, margin_of(floor)
            )
        return [
            FoundFace(score_of(margin), _corners(box, scale))
            for box, margin in zip(boxes, margins, strict=True)
        ]

    def is_turned(self, image: Image, face: FoundFace) -> bool:  # noqa: ARG002
        """It finds no others than upright ones."""
        return False


class DlibEngine:
    """A `FaceEngine`. dlib's objects keep scratch memory inside: one call at a time in each."""

    def __init__(
        self,
        weights: DlibWeights,
        mean: NDArray[np.float64],
        detection_threshold: float,
        pool: WorkerPool,
        finder: FaceFinder | None = None,
    ) -> None:
        """`mean`: (128,), taken from every descriptor: dlib's raw cosines are all near 0.9, and
        spread only around the population's center. `finder`: of faces; None: dlib's HOG detector.

        Raises `ModelUnavailable`.
        """
        self._dlib = import_dlib()
        self._finder = finder or Hog(self._dlib.get_frontal_face_detector())
        self._landmarks = self._dlib.shape_predictor(str(weights.landmarks))
        self._network = self._dlib.face_recognition_model_v1(str(weights.recognition))
        self._network_lock = Lock()
        self._mean = mean
        self._threshold = detection_threshold
        self._floor = min(DETECTION_FLOOR, detection_threshold)
        self.sees_landmarks = finder is not None
        """dlib's own five are corners of the eyes and the base of the nose: without a mouth, no pose."""
        self.pool = pool
        self.model = ModelIdentity(DLIB, sha256_of(weights.recognition))
        self.dimensions = DESCRIPTOR_SIZE
        self.providers: Sequence[str] = dlib_providers()
        if finder is not None:
            pool.warm_up(finder.warm_up, lambda: None)

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        return self.pool.map(partial(self._detect_one, rule=faces, observe=observe), photographs)

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        """Not one batch: dlib holds Python's global lock for as long as one runs."""
        return self.pool.map_unbounded(self._embed_one, crops)

    def descriptor(self, crop: FaceCrop) -> NDArray[np.float64]:
        """(128,), neither centered nor normalized; for calibration.

        The sum over the face and its mirror image: half of what pose and light add cancels out.
        Measured, it lowers strangers' highest cosine from 0.59 to 0.55 and raises the others.
        """
        face = _to_rgb(crop.pixels)
        mirrored = np.ascontiguousarray(face[:, ::-1])
        return self._numbers(face) + self._numbers(mirrored)

    def _detect_one(
        self, photograph: Photograph, rule: Faces, observe: FrameObserver | None
    ) -> Detection:
        image = photograph.pixels()
        if isinstance(image, Reason):
            return Refusal(image)
        height, width = image.shape[:2]
        faces = self._finder.faces(image, self._floor)
        selected = selected_face(faces, self._threshold, rule, (height, width))
        if isinstance(selected, Refusal):
            return selected
        crop = self._crop(_to_rgb(image), selected)
        if self._finder.is_turned(image, selected.face):
            return refused(crop, Reason.TURNED)
        return crop if observe is None else replace(crop, observation=observe(image, crop.box))

    def _crop(self, rgb: Image, selected: SelectedFace) -> FaceCrop:
        face = selected.face
        box = self._dlib.rectangle(*(round(side) for side in face.box))
        points = self._landmarks(rgb, box)
        chip = self._dlib.get_face_chip(rgb, points, CHIP_SIZE)
        crop = np.ascontiguousarray(chip[:, :, ::-1])
        details = self._dlib.get_face_chip_details(points, CHIP_SIZE, CHIP_PADDING)
        quality = quality_of(crop, Cut(_matrix(details), rgb.shape[:2], CHIP_PART), _roll(points))
        found = face.in_whole(1)
        return FaceCrop(crop, face.score, quality, found.box, selected.ignored, found.landmarks)

    def _embed_one(self, crop: FaceCrop) -> EmbeddedFace:
        return embedded_face(self.descriptor(crop) - self._mean)

    def _numbers(self, rgb: Image) -> NDArray[np.float64]:
        with self._network_lock:
            return np.asarray(self._network.compute_face_descriptor(rgb), dtype=np.float64)


def dlib_providers() -> tuple[str, ...]:
    """What dlib was built for. Raises `ModelUnavailable`."""
    return ("dlib CUDA", "dlib CPU") if import_dlib().DLIB_USE_CUDA else ("dlib CPU",)


def score_of(margin: float) -> float:
    """A HOG margin (about -1 to 3, faces above 0) as a score of 0 to 1: a logistic curve."""
    return 1.0 / (1.0 + math.exp(-(margin + _logit(SCORE_AT_ZERO))))


def margin_of(score: float) -> float:
    """The HOG margin at which `score_of` gives `score`; the ends, which lie at infinity, cut."""
    return _logit(min(max(score, 0.01), 0.99)) - _logit(SCORE_AT_ZERO)


def _logit(score: float) -> float:
    return math.log(score / (1.0 - score))


def _roll(points: Any) -> float:  # noqa: ANN401 - dlib's
    """Of dlib's five points: the corners of either eye, the one on the picture's right first."""
    x = [(points.part(n).x, points.part(n).y) for n in range(4)]
    right, left = np.mean(x[:2], axis=0), np.mean(x[2:], axis=0)
    return roll_of(np.asarray([left, right]))


def _matrix(details: Any) -> NDArray[np.float64]:  # noqa: ANN401 - dlib's
    """(2, 3): from the photograph to the chip, which is a turned square of it."""
    center, scale = details.rect.center(), CHIP_SIZE / details.rect.width()
    matrix = cv2.getRotationMatrix2D((center.x, center.y), math.degrees(details.angle), scale)
    middle = (CHIP_SIZE - 1) / 2
    matrix[:, 2] += middle - center.x, middle - center.y
    return np.asarray(matrix, np.float64)


def _to_rgb(bgr: Image) -> Image:
    return np.ascontiguousarray(bgr[:, :, ::-1])


def _reduced(rgb: Image, scale: float) -> Image:
    if scale == 1.0:
        return rgb
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _corners(box: Any, scale: float) -> tuple[float, float, float, float]:  # noqa: ANN401 - dlib's
    left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
    return (left / scale, top / scale, right / scale, bottom / scale)
