"""Our way around the detector gives InsightFace's numbers, bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from insightface.model_zoo import get_model

from service.domain.face import Image
from service.engine.scrfd import Scrfd, fit
from service.engine.sessions import DETECTOR_SIZES


@pytest.fixture(scope="module")
def theirs(model_root: Path) -> Any:
    path = model_root / "models" / "mobile_s" / "det_500m.onnx"
    model = get_model(str(path), providers=["CPUExecutionProvider"], static_shape_sessions=False)
    model.prepare(0, input_size=DETECTOR_SIZES)
    return model


@pytest.fixture(scope="module")
def pictures(people: dict[str, list[Path]], scenes: list[Path]) -> list[Image]:
    paths = [paths[0] for paths in people.values()] + scenes
    return [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]


@pytest.mark.parametrize("floor", [0.05, 0.3])
def test_boxes_scores_and_landmarks_are_insightfaces(
    theirs: Any, pictures: list[Image], floor: float
) -> None:
    ours = Scrfd(theirs)
    for picture in pictures:
        expected = theirs.detect(picture, det_thresh=floor)
        seen = ours.detect(picture, floor)
        assert all(np.array_equal(one, other) for one, other in zip(seen, expected, strict=True))


def test_a_tall_picture_after_a_wide_one_finds_a_clean_input(
    theirs: Any, pictures: list[Image]
) -> None:
    ours, wide = Scrfd(theirs), pictures[-1]
    tall = np.ascontiguousarray(np.rot90(wide))
    ours.detect(wide, 0.3)
    expected = theirs.detect(tall, det_thresh=0.3)
    assert np.array_equal(ours.detect(tall, 0.3)[0], expected[0])


def test_nothing_found_has_the_shape_of_nothing(theirs: Any) -> None:
    boxes, landmarks = Scrfd(theirs).detect(np.zeros((200, 300, 3), np.uint8), 0.5)
    assert boxes.shape == (0, 5)
    assert landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize(
    ("shape", "fitted"), [((300, 600), (320, 640)), ((600, 300), (640, 320)), ((9, 9), (640, 640))]
)
def test_a_picture_fills_the_longer_side(shape: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit(np.zeros((*shape, 3), np.uint8), (640, 640)).shape[:2] == fitted
