"""Which files of a folder are its detector and its recognizer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from service.domain.errors import ModelUnavailable
from service.engine.engines import load_engine
from service.engine.graphs import opened
from service.engine.licenses import License, license_of
from service.engine.packs import AS_THEY_ARE, ModelTask, PixelScale, find_pack, task_of
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_detector, write_other, write_pack, write_recognizer
from tests.engine.photographs import lamp


def _folder(root: Path, name: str = "mine") -> Path:
    folder = root / "models" / name
    folder.mkdir(parents=True)
    return folder


def _cause(root: Path, name: str = "mine") -> str:
    with pytest.raises(ModelUnavailable) as refused:
        find_pack(name, root)
    assert refused.value.values["model"] == name
    return str(refused.value.values["cause"])


def test_detection_and_recognition_are_known_by_their_graphs(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    write_recognizer(folder / "a.onnx")
    write_detector(folder / "b.onnx")
    pack = find_pack("mine", tmp_path)
    assert (pack.detection.path.name, pack.recognition.path.name) == ("b.onnx", "a.onnx")


@pytest.mark.parametrize("size", [192, 96, 100])
def test_other_models_have_no_task(tmp_path: Path, size: int) -> None:
    write_other(tmp_path / "other.onnx", size)
    assert task_of(opened(tmp_path / "other.onnx").graph) is None


@pytest.mark.parametrize("size", [112, 128, 224])
def test_a_recognizer_is_square_and_large_enough(tmp_path: Path, size: int) -> None:
    write_recognizer(tmp_path / "w.onnx", size=size)
    assert task_of(opened(tmp_path / "w.onnx").graph) is ModelTask.RECOGNITION


def test_of_several_the_first_by_name_is_taken(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path))
    write_recognizer(folder / "a_first.onnx")
    assert find_pack("mine", tmp_path).recognition.path.name == "a_first.onnx"


def test_a_model_is_its_name_and_the_sha_256_of_its_recognition_file(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path))
    digest = hashlib.sha256((folder / "w_tiny.onnx").read_bytes()).hexdigest()
    assert find_pack("mine", tmp_path).model.model_id == f"mine@sha256:{digest}"


def test_a_pack_that_is_not_there_says_which_can_be_downloaded(tmp_path: Path) -> None:
    cause = (
        "there is no such folder, and only buffalo_l, buffalo_m, buffalo_s, sface can be downloaded"
    )
    assert _cause(tmp_path) == cause


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert "not the name of a pack" in _cause(tmp_path, name)


def test_a_folder_without_a_detector_is_refused(tmp_path: Path) -> None:
    write_recognizer(_folder(tmp_path) / "w.onnx")
    assert _cause(tmp_path) == "the folder holds no detection model"


def test_a_folder_without_a_recognizer_is_refused(tmp_path: Path) -> None:
    write_detector(_folder(tmp_path) / "det.onnx")
    assert _cause(tmp_path) == "the folder holds no recognition model"


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08" * 1000])
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (_folder(tmp_path) / "det.onnx").write_bytes(content)
    assert _cause(tmp_path) == "det.onnx is not a readable ONNX model"


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path))
    model = folder / "w_tiny.onnx"
    model.write_bytes(model.read_bytes()[:-1000])
    assert "w_tiny.onnx" in _cause(tmp_path)


def test_a_graph_that_cannot_run_is_refused(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path))
    _declare_other_shape(folder / "w_tiny.onnx")
    with pytest.raises(ModelUnavailable):
        engine_of("mine", tmp_path)


def test_a_manifest_of_insightface_2_names_the_models(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path, "raccoon_s"))
    _write_manifest(folder)
    pack = find_pack("raccoon_s", tmp_path)
    assert pack.has_manifest
    assert pack.recognition.scale == PixelScale(100.0, 50.0)
    assert engine_of("raccoon_s", tmp_path).detect([lamp((10, 10))])


def test_a_manifest_may_leave_the_scale_to_the_graph(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path, "raccoon_s"))
    _write_manifest(folder, preprocessing="embedded")
    assert find_pack("raccoon_s", tmp_path).recognition.scale == AS_THEY_ARE


def test_another_manifest_is_none(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path, "older"))
    (folder / "manifest.json").write_text('{"manifest_version": 1}', encoding="utf-8")
    assert not find_pack("older", tmp_path).has_manifest


def test_a_digest_of_the_manifest_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = write_pack(_folder(tmp_path, "raccoon_s"))
    _write_manifest(folder, sha256="0" * 64)
    assert "sha-256" in _cause(tmp_path, "raccoon_s").lower()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("buffalo_l", License.INSIGHTFACE),
        ("buffalo_l_int8", License.INSIGHTFACE),
        ("sface", License.OPENCV),
        ("dlib", License.CC0),
        ("ours", License.UNKNOWN),
    ],
)
def test_a_model_has_the_license_of_its_weights(name: str, expected: License) -> None:
    assert license_of(name) is expected


def test_loading_says_under_which_license(
    tiny_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "service.engine"):
        load_engine("tiny", tiny_root, detection_threshold=0.6, use_gpu=False)
    assert License.UNKNOWN.notice in caplog.text


def _declare_other_shape(path: Path) -> None:
    """The recognizer now claims 128 x 128 pixels; its matrix still expects 112 x 112."""
    import onnx

    model = onnx.load(str(path))
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 128
    onnx.save(model, str(path))


def _write_manifest(folder: Path, sha256: str | None = None, preprocessing: object = None) -> None:
    digest = {} if sha256 is None else {"sha256": sha256}
    tasks = {
        "detection": {
            "file": "det_tiny.onnx",
            "preprocessing": {"mean": 127.5, "std": 128.0},
        },
        "recognition": {
            "file": "w_tiny.onnx",
            "preprocessing": preprocessing or {"mean": 100.0, "std": 50.0},
            **digest,
        },
    }
    document = {
        "manifest_version": 2,
        "model_id": folder.name,
        "license": "MODEL.LICENSE",
        "tasks": tasks,
    }
    (folder / "MODEL.LICENSE").write_text("for tests", encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
