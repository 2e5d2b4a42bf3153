"""The generated pack: how much work it is, and that InsightFace reads it as it reads its own."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper, shape_inference

from scripts.bench.default_size import FULL, NAME, SMALL, write_default_size
from scripts.bench.embedders import FaceAnalysis, face_analysis
from scripts.bench.setup import Setup
from service.engine.packs import open_pack, pack_folder
from tests.scripts.bench.reports import NO_DATABASES


@pytest.fixture(scope="module")
def small_detector(model_root: Path) -> Path:
    return open_pack("mobile_s", pack_folder("mobile_s", model_root)).detection.path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, small_detector: Path) -> Path:
    """The folder of a pack of trifling size."""
    return write_default_size(tmp_path_factory.mktemp("packs"), small_detector, SMALL)


def _analysis(folder: Path) -> FaceAnalysis:
    return face_analysis(Setup(folder.parents[1], folder.name, Path(), NO_DATABASES))


def _multiplications(model: onnx.ModelProto, side: int) -> int:
    """Of the convolutions and the dense layer, for one picture of `side` x `side` pixels."""
    for size, value in zip(
        model.graph.input[0].type.tensor_type.shape.dim, (1, 3, side, side), strict=True
    ):
        size.dim_value = value
    for weight in model.graph.initializer:
        if len(weight.dims) > 1:  # what a shape is made of stays
            weight.ClearField("raw_data")
    graph = shape_inference.infer_shapes(model).graph
    shapes: dict[str, list[int]] = {
        one.name: [size.dim_value for size in one.type.tensor_type.shape.dim]
        for one in (*graph.value_info, *graph.output)
    }
    weights: dict[str, list[int]] = {one.name: list(one.dims) for one in graph.initializer}
    return sum(
        prod(weights[node.input[1]]) * prod(shapes[node.output[0]][2:])
        for node in graph.node
        if node.op_type in ("Conv", "Gemm")
    )


def test_the_recognizer_has_the_layers_and_the_work_of_buffalo_l() -> None:
    """Numbers of w600k_r50.onnx: 174 MB, 6.3 billion multiplications a face."""
    model = FULL.recognizer.model(0)
    assert Counter(node.op_type for node in model.graph.node) == {
        "Conv": 53,
        "BatchNormalization": 26,
        "PRelu": 25,
        "Add": 24,
        "Flatten": 1,
        "Gemm": 1,
    }
    assert sum(prod(one.dims) for one in model.graph.initializer) == pytest.approx(43.6e6, rel=1e-3)
    assert _multiplications(model, 112) == pytest.approx(6.3e9, rel=0.01)


def test_the_detector_is_ten_times_the_work_of_the_small_one(small_detector: Path) -> None:
    small = onnx.load(str(small_detector))
    heavy = FULL.detector.beside(onnx.load(str(small_detector)), 0)
    ratio = _multiplications(heavy, 640) / _multiplications(small, 640)
    assert ratio == pytest.approx(10, rel=0.02)


def test_no_weight_is_so_small_that_it_is_slow() -> None:
    for weight in SMALL.recognizer.model(0).graph.initializer:
        sizes = np.abs(numpy_helper.to_array(weight))
        assert not np.any((sizes > 0) & (sizes < np.finfo(np.float32).tiny))


def test_the_same_pack_is_written_again(
    written: Path, small_detector: Path, tmp_path: Path
) -> None:
    again = write_default_size(tmp_path, small_detector, SMALL)
    assert written.name == again.name == NAME
    files = sorted(file.name for file in again.iterdir())
    assert files == sorted(file.name for file in written.iterdir())
    assert all((again / name).read_bytes() == (written / name).read_bytes() for name in files)


def test_it_finds_the_faces_of_the_small_detector_and_tells_them_apart(
    written: Path, model_root: Path, people: dict[str, list[Path]]
) -> None:
    heavy, real = _analysis(written), _analysis(pack_folder("mobile_s", model_root))
    recognizer = heavy.models["recognition"]
    assert (recognizer.input_mean, recognizer.input_std) == (127.5, 127.5)
    embeddings = []
    for files in list(people.values())[:2]:
        picture = cv2.imread(str(files[0]))
        [face], [wanted] = heavy.get(picture), real.get(picture)
        np.testing.assert_array_equal(face.kps, wanted.kps)
        assert face.det_score == wanted.det_score
        embeddings.append(face.normed_embedding)
    assert np.isfinite(embeddings).all()
    assert float(embeddings[0] @ embeddings[1]) < 0.999
