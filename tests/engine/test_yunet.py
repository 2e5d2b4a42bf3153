"""YuNet sees what OpenCV sees with it, and finds the faces that SCRFD finds."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain.face import Image
from service.engine.packs import find_pack, output_names
from service.engine.providers import CPU
from service.engine.scrfd import Scrfd
from service.engine.sessions import Network, load_detector
from service.engine.yunet import OVERLAP, POWER, SIZES, YuNet, is_yunet, resizable
from service.onnx_runtime import onnxruntime

THRESHOLD = 0.6
"""The service's default."""


def network(path: Path) -> Network:
    def session() -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(resizable(path), providers=[CPU])

    return Network(session(), session)


@pytest.fixture(scope="module")
def yunet(yunet_file: Path) -> YuNet:
    return YuNet(network(yunet_file))


@pytest.fixture(scope="module")
def scrfd(model_root: Path) -> Scrfd:
    return Scrfd(load_detector(find_pack("mobile_s", model_root), [CPU]))


@pytest.fixture(scope="module")
def pictures(
    people: dict[str, list[Path]], scenes: list[Path], orl: dict[str, list[Path]]
) -> list[Image]:
    """All of people/ and scenes/, and every fifth of orl/."""
    paths = chain(*people.values(), scenes, *(some[::5] for some in orl.values()))
    return [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]


def _opencvs(yunet_file: Path, picture: Image) -> NDArray[np.float32]:
    """(n, 15): box as left, top, width, height; five points; score."""
    size = (picture.shape[1], picture.shape[0])
    theirs = cv2.FaceDetectorYN.create(str(yunet_file), "", size, 0.85, OVERLAP)
    _, faces = theirs.detect(picture)
    return np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces)


def _square(picture: Image, side: int) -> Image:
    """At the top left of a black square."""
    scale = side / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale)[:side, :side]
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    return canvas


@pytest.mark.parametrize("size", SIZES)
def test_boxes_scores_and_landmarks_are_opencvs(
    yunet_file: Path, scenes: list[Path], people: dict[str, list[Path]], size: tuple[int, int]
) -> None:
    ours = YuNet(network(yunet_file), [size])
    seen = 0
    for path in [*scenes, *(some[0] for some in people.values())]:
        picture = _square(np.asarray(cv2.imread(str(path)), np.uint8), size[0])
        theirs = _opencvs(yunet_file, picture)
        boxes, landmarks = ours.detect(picture, THRESHOLD)
        corners = np.hstack(
            (theirs[:, :2], theirs[:, :2] + theirs[:, 2:4], theirs[:, 14:] ** POWER)
        )
        assert np.allclose(boxes, corners, atol=1e-3)
        assert np.allclose(landmarks.reshape(-1, 10), theirs[:, 4:14], atol=1e-3)
        seen += len(boxes)
    assert seen > 20


def test_it_finds_every_face_that_scrfd_finds_and_no_more(
    yunet: YuNet, scrfd: Scrfd, pictures: list[Image]
) -> None:
    """None missed of 143 faces, none invented: less than 2.1 % each, at 95 %."""
    counts = []
    for picture in pictures:
        theirs, _ = scrfd.detect(picture, THRESHOLD)
        ours, _ = yunet.detect(picture, THRESHOLD)
        counts.append((len(ours), sum(_is_in(ours, face) for face in theirs), len(theirs)))
    assert [found for found in counts if len(set(found)) > 1] == []
    assert sum(theirs for _, _, theirs in counts) == 143


def _is_in(boxes: NDArray[np.float32], face: NDArray[np.float32]) -> bool:
    """Whether one of `boxes` has the middle of `face` inside."""
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    return any(left < x < right and top < y < bottom for left, top, right, bottom, _ in boxes)


def test_its_landmarks_are_near_those_of_scrfd(
    yunet: YuNet, scrfd: Scrfd, people: dict[str, list[Path]]
) -> None:
    """A tenth of the eye distance moves a crop of 112 pixels by four."""
    distances = []
    for path in chain(*people.values()):
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        _, [ours, *_] = yunet.detect(picture, THRESHOLD)
        _, [theirs, *_] = scrfd.detect(picture, THRESHOLD)
        eyes = np.linalg.norm(theirs[1] - theirs[0])
        distances.append(np.linalg.norm(ours - theirs, axis=1).mean() / eyes)
    assert np.mean(distances) < 0.08


def test_hands_and_cloth_are_no_faces(yunet: YuNet, scenes: list[Path]) -> None:
    """The lower third of a group, enlarged piece by piece."""
    pieces = [piece for path in scenes[:2] for piece in _without_heads(path)]
    best = [max(yunet.detect(piece, 0.0)[0][:, 4], default=0.0) for piece in pieces]
    assert len(best) > 15
    assert max(best) < THRESHOLD


def _without_heads(path: Path) -> list[Image]:
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    height, width = image.shape[:2]
    lower, side = image[height * 2 // 3 :], height // 3
    return [lower[:, left : left + side] for left in range(0, width - side, side // 2)]


def test_best_faces_come_first(yunet: YuNet, scenes: list[Path]) -> None:
    boxes, _ = yunet.detect(np.asarray(cv2.imread(str(scenes[0])), np.uint8), 0.3)
    assert list(boxes[:, 4]) == sorted(boxes[:, 4], reverse=True)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_has_no_face(yunet: YuNet, value: int) -> None:
    boxes, landmarks = yunet.detect(np.full((480, 640, 3), value, np.uint8), 0.3)
    assert boxes.shape == (0, 5)
    assert landmarks.shape == (0, 5, 2)


def test_it_is_told_by_its_outputs(yunet_file: Path, model_root: Path) -> None:
    assert is_yunet(output_names(yunet_file))
    assert not is_yunet(output_names(model_root / "models" / "mobile_s" / "det_500m.onnx"))
