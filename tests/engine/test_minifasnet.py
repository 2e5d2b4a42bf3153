"""The passive liveness models: real pictures by the real files, and what is refused or left open."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from service.domain.errors import LivenessModelsUnavailable
from service.domain.face import Box, FaceCrop, Image, Reason
from service.domain.passive_liveness import NoSignal, looks_attacked
from service.domain.ports import FaceEngine
from service.engine.minifasnet import (
    LEAST_WIDENING,
    MODELS,
    MiniFasNets,
    Model,
    color_of,
    surroundings,
)


class Picture:
    """A `Photograph` that is decoded already."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def pixels(self) -> Image | Reason:
        return self._image


@pytest.fixture(scope="module")
def models(liveness_models: Path) -> MiniFasNets:
    return MiniFasNets(liveness_models)


def image_of(path: Path) -> Image:
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image, np.uint8)


def face_in(image: Image, engine: FaceEngine) -> Box:
    [found] = engine.detect([Picture(image)])
    assert isinstance(found, FaceCrop)
    return found.box


@pytest.mark.parametrize(("sample", "attack"), [("T1", False), ("F1", True), ("F2", True)])
def test_a_person_is_no_attack_and_a_print_and_a_screen_are(
    sample: str, attack: bool, models: MiniFasNets, real: FaceEngine, liveness_models: Path
) -> None:
    image = image_of(liveness_models / "samples" / f"{sample}.jpg")
    score = models.score(image, face_in(image, real))
    assert isinstance(score, float)
    assert looks_attacked([score]) is attack


@pytest.mark.parametrize(
    ("tint", "cast"),
    [
        ((1.0, 1.0, 1.0), (0, 0, 0)),
        ((1.0, 1.0, 1.0), (0, 10, 20)),
        ((1.0, 1.0, 1.0), (20, 0, 20)),
        ((0.6, 0.8, 1.0), (0, 0, 0)),
    ],
    ids=["gray", "yellowish", "infra-red", "sepia"],
)
def test_of_gray_pictures_nothing_is_said_whatever_their_tint(
    tint: tuple[float, ...],
    cast: tuple[int, ...],
    models: MiniFasNets,
    real: FaceEngine,
    liveness_models: Path,
) -> None:
    image = image_of(liveness_models / "samples" / "T1.jpg")
    gray = image.mean(axis=2, keepdims=True) * np.asarray(tint) + np.asarray(cast)
    pixels = np.clip(gray, 0, 255).astype(np.uint8)
    assert models.score(pixels, face_in(image, real)) is NoSignal.GRAY


def test_dull_colors_are_colors(
    models: MiniFasNets, real: FaceEngine, liveness_models: Path
) -> None:
    image = image_of(liveness_models / "samples" / "T1.jpg")
    gray = image.mean(axis=2, keepdims=True)
    dull = (gray + (image - gray) / 2).astype(np.uint8)
    assert isinstance(models.score(dull, face_in(image, real)), float)


def test_a_picture_of_one_color_has_none() -> None:
    assert color_of(np.full((100, 100, 3), (10, 200, 90), np.uint8)) == 0.0


def test_of_a_face_that_fills_the_picture_nothing_is_said(
    models: MiniFasNets, real: FaceEngine, liveness_models: Path
) -> None:
    image = image_of(liveness_models / "samples" / "T1.jpg")
    left, top, right, bottom = (round(side) for side in face_in(image, real))
    close = image[max(0, top - 40) : bottom + 40, max(0, left - 30) : right + 30]
    assert models.score(close, face_in(close, real)) is NoSignal.NO_MARGIN


def test_a_face_at_the_edge_has_its_surroundings_moved_into_the_picture() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    assert surroundings(image, (0.0, 10.0, 100.0, 110.0), 2.7).shape == (271, 271, 3)
    assert surroundings(image, (300.0, 290.0, 400.0, 390.0), 2.7).shape == (271, 271, 3)


def test_surroundings_end_where_the_picture_does() -> None:
    image = np.zeros((300, 500, 3), np.uint8)
    assert surroundings(image, (200.0, 100.0, 300.0, 200.0), 4.0).shape == (300, 300, 3)


def test_surroundings_lie_about_the_face() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[200, 200] = 255
    around = surroundings(image, (190.0, 190.0, 210.0, 210.0), 2.0)
    assert np.argwhere(around.any(axis=2)).tolist() == [[20, 20]]


def test_a_picture_twice_as_wide_as_the_face_has_enough_margin(models: MiniFasNets) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
    side = 299 / LEAST_WIDENING
    assert isinstance(models.score(noise, (0.0, 0.0, side, side)), float)
    assert models.score(noise, (0.0, 0.0, side, side + 1)) is NoSignal.NO_MARGIN


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.file.name)
def test_a_damaged_file_is_refused(model: Model, liveness_models: Path, tmp_path: Path) -> None:
    name = model.file.name
    for each in MODELS:
        shutil.copyfile(liveness_models / each.file.name, tmp_path / each.file.name)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LivenessModelsUnavailable) as refused:
        MiniFasNets(tmp_path)
    assert name in str(refused.value.values["cause"])


def test_a_missing_file_is_refused(liveness_models: Path, tmp_path: Path) -> None:
    shutil.copyfile(liveness_models / MODELS[0].file.name, tmp_path / MODELS[0].file.name)
    with pytest.raises(LivenessModelsUnavailable) as refused:
        MiniFasNets(tmp_path)
    assert MODELS[1].file.name in str(refused.value.values["cause"])


def test_published_sizes_are_those_of_the_files(liveness_models: Path) -> None:
    for model in MODELS:
        assert (liveness_models / model.file.name).stat().st_size == model.file.size
