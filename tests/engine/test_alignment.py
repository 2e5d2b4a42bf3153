"""A face is cut out where InsightFace cuts it, bit by bit; and its recognizer is given the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils.face_align import arcface_dst, estimate_norm
from numpy.typing import NDArray

from service.engine.alignment import ARCFACE_TEMPLATE, alignment
from service.engine.models import load_models
from service.engine.packs import AS_THEY_ARE, PixelScale, find_pack
from service.engine.providers import CPU
from tests.engine.onnx_models import write_pack

pytestmark = pytest.mark.filterwarnings(
    "ignore:`estimate` is deprecated:FutureWarning", "ignore:.*:RuntimeWarning"
)

places = st.floats(-300, 5_000, width=32)
LINE = np.array([[x, 30 + 2 * x] for x in range(5)], np.float32)


def _insightfaces(landmarks: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    matrix = np.asarray(estimate_norm(landmarks, side))
    return matrix if np.isfinite(matrix).all() else np.zeros((2, 3))


def test_the_template_is_insightfaces() -> None:
    assert np.array_equal(ARCFACE_TEMPLATE, arcface_dst)


@given(arrays(np.float32, (5, 2), elements=places), st.sampled_from([112, 128, 224, 256]))
def test_landmarks_anywhere_are_aligned_as_by_insightface(
    landmarks: NDArray[np.float32], side: int
) -> None:
    assert np.array_equal(alignment(landmarks, side), _insightfaces(landmarks, side))


@pytest.mark.parametrize(
    "landmarks",
    [
        ARCFACE_TEMPLATE,
        ARCFACE_TEMPLATE * [-1, 1],
        LINE,
        LINE * [-1, 1],
        LINE[::-1] * [0, 1],
        np.repeat(LINE[:1], 5, axis=0),
    ],
    ids=["upright", "mirrored", "line", "mirrored line", "upright line", "one place"],
)
def test_what_no_face_shows_is_aligned_as_by_insightface(landmarks: NDArray[np.float32]) -> None:
    landmarks = landmarks.astype(np.float32)
    assert np.array_equal(alignment(landmarks, 112), _insightfaces(landmarks, 112))


def test_a_recognizer_is_given_what_insightface_gives_it(model_root: Path) -> None:
    pack = find_pack("mobile_s", model_root)
    _, ours = load_models(pack, [CPU])
    theirs = ArcFaceONNX(str(pack.recognition.path))
    assert pack.recognition.scale == PixelScale(theirs.input_mean, theirs.input_std)
    assert (ours.crop_side, ours.crop_side) == theirs.input_size


@pytest.mark.parametrize(
    ("names", "scale"),
    [
        (["Sub_0", "Mul_1"], AS_THEY_ARE),
        (["_minusscalar0", "_mulscalar0"], AS_THEY_ARE),
        (["Conv_0", "Mul_1"], PixelScale(127.5, 127.5)),
    ],
)
def test_a_graph_that_scales_pixels_is_known_as_by_insightface(
    names: list[str], scale: PixelScale, tmp_path: Path
) -> None:
    import onnx

    path = write_pack(tmp_path / "models" / "named") / "w_tiny.onnx"
    model = onnx.load(str(path))
    for node, name in zip(model.graph.node, names, strict=False):
        node.name = name
    onnx.save(model, str(path))
    theirs = ArcFaceONNX(str(path))
    assert PixelScale(theirs.input_mean, theirs.input_std) == scale
    assert find_pack("named", tmp_path).recognition.scale == scale
