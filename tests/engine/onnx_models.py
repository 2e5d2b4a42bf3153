"""Small ONNX models with the shapes of the real ones, made on the spot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
ANCHORS = 2
BOX = 2.0
"""Distance of a box's sides from its middle, in strides: 128 pixels wide at stride 32."""

LANDMARKS = (-0.8, -0.6, 0.8, -0.6, 0.0, 0.1, -0.6, 0.9, 0.6, 0.9)
SCORE_SLOPE, SCORE_AT = 20.0, 0.5


def write_pack(folder: Path, numbers: int = 512, batch: int | None = None, size: int = 112) -> Path:
    """A pack whose detector takes a bright cell of 32 pixels for a face."""
    folder.mkdir(parents=True, exist_ok=True)
    write_detector(folder / "det_tiny.onnx")
    write_recognizer(folder / "w_tiny.onnx", numbers, batch, size)
    return folder


def write_detector(path: Path, components: int = 3, box: float = BOX) -> None:
    """Nine outputs, as SCRFD has them: scores, boxes and landmarks at three strides.

    `components`: 2 leaves the landmarks out.
    """
    kinds = (("score", 1), ("box", 4), ("landmark", 10))[:components]
    nodes, weights, outputs = [], [], []
    for kind, width in kinds:
        for stride in STRIDES:
            name = f"{kind}{stride}"
            nodes += _head(name, stride, width)
            weights += _head_weights(name, kind, stride, width, box)
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])
    _save(path, nodes, [image], outputs, weights)


def write_recognizer(
    path: Path, numbers: int = 512, batch: int | None = None, size: int = 112
) -> None:
    """Eight by eight pixels averaged, then a fixed random matrix."""
    cells = size // 8
    matrix = np.random.default_rng(1).normal(size=(3 * cells * cells, numbers)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["face"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, [batch or "N", 3, size, size])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch or "N", numbers])
    _save(path, nodes, [face], [output], [numpy_helper.from_array(matrix, "matrix")])


def write_opencv_pack(folder: Path, detector: Path | None = None) -> Path:
    """A pack with the inputs and outputs of OpenCV's YuNet and SFace.

    `detector`: the real one; None: one that takes a bright cell of 32 pixels for a face.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if detector is None:
        write_yunet(folder / "face_detection_tiny.onnx")
    else:
        shutil.copyfile(detector, folder / detector.name)
    write_sface(folder / "face_recognition_tiny.onnx")
    return folder


def write_yunet(path: Path) -> None:
    """Twelve outputs at three strides, and a picture of 640 x 640 pixels only."""
    nodes, weights, outputs = [], [], []
    for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            nodes += _head(name, stride, width)
            weights += _yunet_weights(name, kind, stride, width)
            shape = [1, (640 // stride) ** 2, width]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 640, 640])
    _save(path, nodes, [image], outputs, weights)


def write_sface(path: Path) -> None:
    """Pixels of 0 to 255 are scaled in the graph, then averaged, then a fixed random matrix."""
    matrix = np.random.default_rng(2).normal(size=(3 * 14 * 14, 128)).astype(np.float32)
    nodes = [
        helper.make_node("Sub", ["data", "mean"], ["centered"]),
        helper.make_node("Mul", ["centered", "factor"], ["scaled"]),
        helper.make_node("AveragePool", ["scaled"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["fc1"]),
    ]
    data = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    output = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128])
    weights = [
        numpy_helper.from_array(np.asarray([127.5], np.float32), "mean"),
        numpy_helper.from_array(np.asarray([0.0078125], np.float32), "factor"),
        numpy_helper.from_array(matrix, "matrix"),
    ]
    _save(path, nodes, [data], [output], weights)


def write_other(path: Path, size: int) -> None:
    """One input of size x size and one output: 192 is a landmark model, 96 an attribute model."""
    nodes = [helper.make_node("GlobalAveragePool", ["image"], ["result"])]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, size, size])
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, ["N", 3, 1, 1])
    _save(path, nodes, [image], [result], [])


def _head(name: str, stride: int, width: int) -> list[onnx.NodeProto]:
    cell = [stride, stride]
    raw = f"{name}_raw" if width == 1 else name
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], [f"{name}_cells"], kernel_shape=cell, strides=cell
        ),
        helper.make_node(
            "Conv", [f"{name}_cells", f"{name}_weight", f"{name}_bias"], [f"{name}_map"]
        ),
        helper.make_node("Transpose", [f"{name}_map"], [f"{name}_last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [raw]),
    ]
    return [*nodes, helper.make_node("Sigmoid", [raw], [name])] if width == 1 else nodes


def _head_weights(
    name: str, kind: str, stride: int, width: int, box: float
) -> list[onnx.TensorProto]:
    weight = np.zeros((ANCHORS * width, 3, 1, 1), np.float32)
    bias = np.zeros(ANCHORS * width, np.float32)
    if kind == "score":
        weight[:] = SCORE_SLOPE / 3 if stride == STRIDES[-1] else 0.0
        bias[:] = -SCORE_SLOPE * SCORE_AT
    else:
        values: NDArray[np.float32] = np.asarray([box] * 4 if kind == "box" else LANDMARKS)
        bias[:] = np.tile(values, ANCHORS)
    shape = np.asarray([-1, width], np.int64)
    return [
        numpy_helper.from_array(weight, f"{name}_weight"),
        numpy_helper.from_array(bias, f"{name}_bias"),
        numpy_helper.from_array(shape, f"{name}_shape"),
    ]


def _yunet_weights(name: str, kind: str, stride: int, width: int) -> list[onnx.TensorProto]:
    """Scores rise with the brightness of 0 to 255; boxes and points lie at fixed places."""
    weight = np.zeros((width, 3, 1, 1), np.float32)
    bias = np.zeros(width, np.float32)
    if kind in ("cls", "obj"):
        weight[:] = SCORE_SLOPE / 3 / 127.5 if stride == STRIDES[-1] else 0.0
        bias[:] = -SCORE_SLOPE * (1 + SCORE_AT)
    elif kind == "bbox":
        bias[:] = (0.5, 0.5, np.log(2 * BOX), np.log(2 * BOX))
    else:
        bias[:] = np.asarray(LANDMARKS) + 0.5
    return [
        numpy_helper.from_array(weight, f"{name}_weight"),
        numpy_helper.from_array(bias, f"{name}_bias"),
        numpy_helper.from_array(np.asarray([1, -1, width], np.int64), f"{name}_shape"),
    ]


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
) -> None:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), str(path))
