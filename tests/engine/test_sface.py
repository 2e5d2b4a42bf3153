"""OpenCV's pair: the real YuNet beside a small graph with SFace's inputs and outputs."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from service.domain.errors import ModelUnavailable
from service.domain.face import FaceCrop, Reason, Refusal
from service.domain.quality import judged
from service.domain.template import cosine_similarity
from service.domain.thresholds import ARCFACE
from service.engine.engines import load_engine
from service.engine.models import load_models
from service.engine.pack_engine import PackEngine
from service.engine.packs import SFACE_FILE, YUNET_FILE, find_pack, identify_model, open_pack
from service.engine.providers import CPU
from service.engine.quantize import PackQuantizer
from service.engine.recognizer import SFace
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_opencv_pack
from tests.engine.photographs import Picture, blank, lamp, picture, plain_crop


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model root that holds one generated pair, `tiny`."""
    root = tmp_path_factory.mktemp("opencv")
    write_opencv_pack(root / "models" / "tiny")
    return root


@pytest.fixture(scope="module")
def tiny(root: Path) -> PackEngine:
    return engine_of("tiny", root)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, yunet_file: Path) -> PackEngine:
    root = tmp_path_factory.mktemp("yunet")
    write_opencv_pack(root / "models" / "half", detector=yunet_file)
    return engine_of("half", root)


def test_the_only_face_becomes_a_crop(tiny: PackEngine) -> None:
    [crop] = tiny.detect([lamp((10, 10))])
    assert isinstance(crop, FaceCrop)
    assert crop.pixels.shape == (112, 112, 3)


def test_two_faces_are_refused(tiny: PackEngine) -> None:
    [seen] = tiny.detect([lamp((4, 4), (14, 14))])
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.MULTIPLE_FACES


def test_its_128_numbers_are_padded_with_zeros_and_of_norm_1(tiny: PackEngine) -> None:
    [crop] = tiny.detect([lamp((10, 10))])
    assert isinstance(crop, FaceCrop)
    [face] = tiny.embed([crop])
    assert tiny.dimensions == 128
    assert face.embedding.shape == (512,)
    assert face.embedding.dtype == np.float32
    assert not face.embedding[128:].any()
    assert np.linalg.norm(face.embedding) == pytest.approx(1.0, abs=1e-5)


def test_a_portrait_has_a_face_and_a_group_has_several(
    real: PackEngine, people: dict[str, list[Path]], scenes: list[Path]
) -> None:
    portraits = [picture(path) for path in chain(*people.values())]
    assert all(isinstance(one, FaceCrop) for one in real.detect(portraits))
    groups = real.detect([picture(path) for path in scenes])
    assert [getattr(one, "reason", None) for one in groups] == [Reason.MULTIPLE_FACES] * len(scenes)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_portrait_on_its_side_or_on_its_head_is_turned(
    real: PackEngine, people: dict[str, list[Path]], turns: int
) -> None:
    """Or not taken for another cause, where a part of it looks like a face."""
    pictures = [_turned(path, turns) for path in chain(*people.values())]
    seen = [judged(one, ARCFACE.quality) for one in real.detect(pictures)]
    assert not any(isinstance(one, FaceCrop) for one in seen)
    assert sum(one.reason is Reason.TURNED for one in seen if isinstance(one, Refusal)) >= 37


def _turned(path: Path, turns: int) -> Picture:
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    return Picture(np.ascontiguousarray(np.rot90(image, turns)))


def test_no_upright_photograph_is_refused_for_its_quality(
    real: PackEngine, people: dict[str, list[Path]], orl: dict[str, list[Path]]
) -> None:
    """None of 240: less than 1.3 %, at 95 %."""
    paths = [*chain(*people.values()), *chain(*(some[::2] for some in orl.values()))]
    seen = real.detect([picture(path) for path in paths])
    assert len(paths) == 240
    assert all(isinstance(judged(one, ARCFACE.quality), FaceCrop) for one in seen)


def test_crops_are_those_of_opencv(
    real: PackEngine, root: Path, yunet_file: Path, people: dict[str, list[Path]]
) -> None:
    theirs = cv2.FaceRecognizerSF.create(_recognizer(root), "")
    for path in chain(*people.values()):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        [crop] = real.detect([Picture(image)])
        assert isinstance(crop, FaceCrop)
        row = _row(image, real)
        assert np.abs(theirs.alignCrop(image, row).astype(int) - crop.pixels).max() <= 1


def _row(image: np.ndarray, engine: PackEngine) -> np.ndarray:
    """(1, 15), as `cv2.FaceDetectorYN` answers."""
    boxes, landmarks = engine._finder._detector.detect(image, 0.6)
    return np.hstack((boxes[:1, :4], landmarks[:1].reshape(1, 10), boxes[:1, 4:])).astype(
        np.float32
    )


def test_numbers_are_those_of_opencv(root: Path) -> None:
    theirs = cv2.FaceRecognizerSF.create(_recognizer(root), "")
    _, ours = load_models(open_pack("tiny", root / "models" / "tiny"), [CPU])
    assert isinstance(ours, SFace)
    crops = list(np.random.default_rng(3).integers(0, 256, (3, 112, 112, 3), np.uint8))
    expected = np.vstack([theirs.feature(crop) for crop in crops])
    assert np.allclose(ours.numbers(crops), expected, rtol=1e-4, atol=1e-4)


def _recognizer(root: Path) -> str:
    return str(root / "models" / "tiny" / "face_recognition_tiny.onnx")


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (1, 5000), (5000, 1), (20, 20)])
def test_a_degenerate_picture_has_no_face(real: PackEngine, shape: tuple[int, int]) -> None:
    assert real.detect([blank(*shape, value=255)]) == [Refusal(Reason.NO_FACE)]


def test_a_file_under_the_published_name_must_be_the_published_one(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "sface"
    folder.mkdir(parents=True)
    for file in (YUNET_FILE, SFACE_FILE):
        (folder / file.name).write_bytes(b"another")
    with pytest.raises(ModelUnavailable) as refused:
        load_engine("sface", tmp_path, detection_threshold=0.6, use_gpu=False)
    assert "its SHA-256 is not" in str(refused.value.values["cause"])


def test_the_published_detector_is_the_one_that_was_tested(yunet_file: Path) -> None:
    content = yunet_file.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (
        YUNET_FILE.size,
        YUNET_FILE.sha256,
    )


def test_a_start_that_cannot_download_says_where_it_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(ModelUnavailable) as refused:
        load_engine("sface", tmp_path, detection_threshold=0.6, use_gpu=False)
    cause = str(refused.value.values["cause"])
    assert all(url in cause for url in YUNET_FILE.urls)
    assert list((tmp_path / "models" / "sface").iterdir()) == []


def test_half_of_the_pair_is_no_pack_yet(tmp_path: Path, yunet_file: Path) -> None:
    folder = tmp_path / "models" / "sface"
    folder.mkdir(parents=True)
    shutil.copyfile(yunet_file, folder / YUNET_FILE.name)
    assert identify_model("sface", tmp_path) is None


def test_its_copy_of_8_bits_runs_and_sees_nearly_the_same(root: Path, tiny: PackEngine) -> None:
    crops = [_random_crop(seed) for seed in range(16)]
    PackQuantizer("tiny", root).quantize(crops)
    copy = engine_of("tiny_int8", root)
    for ours, theirs in zip(tiny.embed(crops), copy.embed(crops), strict=True):
        assert cosine_similarity(ours.embedding, theirs.embedding) > 0.99


def _random_crop(seed: int) -> FaceCrop:
    pixels = np.random.default_rng(seed).integers(0, 256, (112, 112, 3), np.uint8)
    return replace(plain_crop(0), pixels=pixels)


def test_every_origin_is_https_and_at_a_fixed_revision() -> None:
    for file in (YUNET_FILE, SFACE_FILE):
        for url in file.urls:
            assert url.startswith("https://")
            assert "/main/" not in url
            assert url.endswith(f"/{file.name}")


def test_a_pair_of_other_files_is_a_pack_by_the_name_of_its_folder(root: Path) -> None:
    pack = find_pack("tiny", root)
    assert pack.model.name == "tiny"
    assert pack.model.sha256 != SFACE_FILE.sha256
