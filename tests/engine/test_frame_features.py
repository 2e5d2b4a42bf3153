"""Real frames: which are the same by their hash, and which are not. The limit was chosen on people/; orl/ checks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain.face import Box, Faces, Image
from service.domain.frame_hash import FEATURES, is_same_frame, mirrored
from service.domain.ports import FaceEngine
from service.engine.frame_features import frame_features
from service.engine.observation import LivenessObserver
from service.vault.vault import PseudonymKey
from tests.engine.photographs import Picture

KEY = PseudonymKey(bytes(range(64)))
WIDTH, HEIGHT = 640, 480
FACE = 300
"""Side of a photograph in a frame, in pixels."""

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """In front of one background for good; each frame has noise of its own and comes as JPEG."""

    background: Pixels
    random: np.random.Generator

    def frame(
        self, photograph: Path, right: float = 0.0, down: float = 0.0, turn: float = 0.0
    ) -> Image:
        """The head's middle is moved by pixels, and turned in the plane by degrees."""
        head = cv2.resize(read(photograph), (FACE, FACE), interpolation=cv2.INTER_CUBIC)
        matrix = cv2.getRotationMatrix2D((FACE / 2, FACE / 2), turn, 1.0)
        matrix[:, 2] += np.array([(WIDTH - FACE) / 2 + right, (HEIGHT - FACE) / 2 + down])
        size = (WIDTH, HEIGHT)
        shown = cv2.warpAffine(_soft_ellipse(), matrix, size)[..., None]
        clean = self.background * (1 - shown) + shown * cv2.warpAffine(
            head.astype(np.float32), matrix, size, flags=cv2.INTER_CUBIC
        )
        noisy = clean + self.random.normal(0, 2, clean.shape)
        return jpeg(np.clip(noisy, 0, 255).astype(np.uint8), 90)


def _soft_ellipse() -> Pixels:
    rows, columns = np.mgrid[0:FACE, 0:FACE] / (FACE / 2) - 1
    shown = np.clip((1 - np.hypot(rows, columns / 0.93)) / 0.12, 0, 1)
    return np.asarray(shown, np.float32)


@pytest.fixture
def camera(scenes: list[Path]) -> Camera:
    scene = cv2.resize(read(scenes[0]), (WIDTH, HEIGHT))
    background = cv2.GaussianBlur(scene, (0, 0), 5).astype(np.float32)
    return Camera(background, np.random.default_rng(1))


def read(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def resized(image: Image, by: float) -> Image:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    return jpeg(np.asarray(cv2.resize(image, None, fx=by, fy=by, interpolation=how), np.uint8), 85)


def lit(image: Image, contrast: float, more: float) -> Image:
    return jpeg(np.clip(image * contrast + more, 0, 255).astype(np.uint8), 85)


SENT_AGAIN: dict[str, Callable[[Image], Image]] = {
    "as it is": lambda image: image,
    "JPEG 95": lambda image: jpeg(image, 95),
    "JPEG 50": lambda image: jpeg(image, 50),
    "half": lambda image: resized(image, 0.5),
    "three quarters": lambda image: resized(image, 0.75),
    "twice": lambda image: resized(image, 2.0),
    "brighter": lambda image: lit(image, 1.0, 20.0),
    "less contrast": lambda image: lit(image, 0.85, 0.0),
    "mirrored": lambda image: jpeg(np.ascontiguousarray(image[:, ::-1]), 85),
}


def hashes(engine: FaceEngine, frames: Sequence[Image]) -> Iterator[bytes | None]:
    """Of each frame by the box that the detector finds; None where it finds nobody."""
    observe = LivenessObserver(None)
    for found in engine.detect([Picture(each) for each in frames], Faces.DOMINANT, observe):
        observation = getattr(found, "observation", None)
        yield None if observation is None else KEY.frame_hash(observation.features)


@pytest.fixture(params=["people", "orl"])
def photographs(request: pytest.FixtureRequest) -> list[list[Path]]:
    """By person: two of each in people/, and of some in orl/ whose faces are found in a frame."""
    by_person: dict[str, list[Path]] = request.getfixturevalue(request.param)
    return [files[:2] for files in by_person.values()][:16]


def test_frame_that_is_sent_again_is_the_same(
    real: FaceEngine, camera: Camera, photographs: list[list[Path]]
) -> None:
    found, looked_at = 0, 0
    for first, _ in photographs:
        frame = camera.frame(first)
        seen, *again = hashes(real, [frame, *(alter(frame) for alter in SENT_AGAIN.values())])
        if seen is not None:
            pairs = [is_same_frame(seen, each) for each in again if each is not None]
            found, looked_at = found + sum(pairs), looked_at + len(pairs)
    assert looked_at >= 70
    assert found >= 0.98 * looked_at


@pytest.mark.parametrize("right", [-3.0, 3.0])
def test_head_that_moved_makes_another_frame(
    real: FaceEngine, camera: Camera, photographs: list[list[Path]], right: float
) -> None:
    """By three pixels of 640 before a background that did not."""
    frames = [
        camera.frame(file, *moved) for file, _ in photographs for moved in ((), (right, 1.0, 0.5))
    ]
    found = list(hashes(real, frames))
    pairs = [pair for pair in zip(found[::2], found[1::2], strict=True) if None not in pair]
    assert len(pairs) >= 8
    assert not any(is_same_frame(one, other) for one, other in pairs if one and other)


def test_the_same_person_an_hour_later_makes_another_frame(
    real: FaceEngine, camera: Camera, people: dict[str, list[Path]]
) -> None:
    """At the same place before the same background."""
    compared = 0
    for files in people.values():
        seen = [each for each in hashes(real, [camera.frame(file) for file in files]) if each]
        assert not any(is_same_frame(*pair) for pair in combinations(seen, 2))
        compared += len(seen)
    assert compared >= 35


def test_mirror_image_has_the_features_mirrored(liveness_models: Path) -> None:
    image = read(liveness_models / "samples" / "T1.jpg")
    width = image.shape[1]
    box: Box = (130.0, 180.0, 330.0, 440.0)
    mirror_box: Box = (width - box[2], box[1], width - box[0], box[3])
    mirror = frame_features(np.ascontiguousarray(image[:, ::-1]), mirror_box)
    difference = _numbers(mirror) - _numbers(mirrored(frame_features(image, box)))
    assert np.abs(difference).max() <= 1


def _numbers(features: bytes) -> NDArray[np.int64]:
    return np.frombuffer(features, np.int8).astype(np.int64)


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, 640.0, 480.0),
        (-50.0, -50.0, 30.0, 30.0),
        (600.0, 440.0, 700.0, 600.0),
        (700.0, 500.0, 900.0, 800.0),
        (320.0, 240.0, 320.0, 240.0),
    ],
)
def test_any_box_has_features(box: Box) -> None:
    image = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    features = frame_features(image, box)
    assert len(features) == FEATURES
    assert any(features)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
def test_any_picture_has_features(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    assert frame_features(image, (0.0, 0.0, 1.0, 1.0)) == bytes(FEATURES)
