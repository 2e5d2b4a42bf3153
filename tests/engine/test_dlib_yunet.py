"""dlib's engine with OpenCV's detector at hand: more faces, sooner, and the same decisions."""

from __future__ import annotations

import logging
import shutil
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from service.domain.face import Embedding, FaceCrop, Reason, Refusal
from service.domain.ports import FaceEngine
from service.domain.template import average, cosine_similarity
from service.domain.thresholds import AGGRESSIVE, BALANCED, DLIB
from service.engine.engines import load_engine
from service.engine.packs import YUNET_FILE, installed_yunet
from tests.engine.photographs import Picture, blank, picture
from tests.engine.test_dlib_engine import needs_dlib

pytestmark = needs_dlib


def _load(root: Path) -> FaceEngine:
    return load_engine("dlib", root, detection_threshold=0.6, use_gpu=False)


def with_yunet(root: Path, yunet_file: Path) -> Path:
    """A model root that has the detector of `sface`."""
    folder = root / "models" / "sface"
    folder.mkdir(parents=True)
    shutil.copyfile(yunet_file, folder / YUNET_FILE.name)
    return root


@pytest.fixture(scope="module")
def by_yunet(tmp_path_factory: pytest.TempPathFactory, yunet_file: Path) -> FaceEngine:
    return _load(with_yunet(tmp_path_factory.mktemp("yunet"), yunet_file))


@pytest.fixture(scope="module")
def by_hog(tmp_path_factory: pytest.TempPathFactory) -> FaceEngine:
    return _load(tmp_path_factory.mktemp("hog"))


def _embed(engine: FaceEngine, paths: list[Path]) -> list[Embedding]:
    seen = engine.detect([picture(path) for path in paths])
    crops = [one for one in seen if isinstance(one, FaceCrop)]
    assert len(crops) == len(paths)
    return [face.embedding for face in engine.embed(crops)]


def test_it_finds_faces_that_hog_misses(
    by_yunet: FaceEngine, by_hog: FaceEngine, orl: dict[str, list[Path]]
) -> None:
    """12 of the 400 photographs of orl/ show HOG no face, YuNet one in each: here, of twelve people."""
    pictures = [picture(path) for path in chain(*(orl[name] for name in sorted(orl)[:12]))]
    found = [
        sum(isinstance(one, FaceCrop) for one in engine.detect(pictures))
        for engine in (by_yunet, by_hog)
    ]
    assert found[0] == len(pictures) > found[1]


def test_templates_by_hog_and_probes_by_yunet_decide_as_before(
    by_yunet: FaceEngine, by_hog: FaceEngine, people: dict[str, list[Path]]
) -> None:
    """Photographs 1 and 2 are enrolled, 3 is verified."""
    templates = {name: average(_embed(by_hog, paths[:2])) for name, paths in people.items()}
    probes = {name: _embed(by_yunet, paths[2:3])[0] for name, paths in people.items()}
    balanced, aggressive = (DLIB.profile(name).threshold for name in (BALANCED, AGGRESSIVE))
    for claimed, template in templates.items():
        for name, probe in probes.items():
            similarity = cosine_similarity(template, probe)
            assert similarity >= aggressive if name == claimed else similarity < balanced


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_portrait_on_its_side_or_on_its_head_is_refused(
    by_yunet: FaceEngine, people: dict[str, list[Path]], turns: int
) -> None:
    images = [np.asarray(cv2.imread(str(paths[0])), np.uint8) for paths in people.values()]
    turned = [np.ascontiguousarray(np.rot90(image, turns)) for image in images]
    seen = by_yunet.detect([Picture(image) for image in turned])
    assert not any(isinstance(one, FaceCrop) for one in seen)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (20, 20)])
def test_a_degenerate_picture_has_no_face(by_yunet: FaceEngine, shape: tuple[int, int]) -> None:
    assert by_yunet.detect([blank(*shape, value=255)]) == [Refusal(Reason.NO_FACE)]


def test_a_detector_that_is_not_the_published_one_is_not_used(
    tmp_path: Path, yunet_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = with_yunet(tmp_path, yunet_file)
    with (root / "models" / "sface" / YUNET_FILE.name).open("ab") as file:
        file.write(b"more")
    assert installed_yunet(root) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_the_log_says_what_finds_faces(
    tmp_path: Path, yunet_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "service.engine"):
        _load(tmp_path)
        _load(with_yunet(tmp_path, yunet_file))
    assert "found by HOG" in caplog.text
    assert "found by YuNet" in caplog.text
