"""What an ONNX file is for, read from its graph without starting an inference session."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

Shape: TypeAlias = tuple[int | None, ...]
"""Of a graph's input or output; None for a size that is open."""


class ModelTask(StrEnum):
    DETECTION = "detection"
    RECOGNITION = "recognition"


class UnreadableGraph(Exception):
    """The file is not an ONNX model. Becomes `ModelUnavailable` where the pack is known."""


_DETECTOR_OUTPUTS = 5
_LANDMARK_SIZE, _ATTRIBUTE_SIZE, _SWAPPER_SIZE = 192, 96, 128
_SMALLEST_RECOGNISER, _RECOGNISER_STEP = 112, 16


def task_of(path: Path) -> ModelTask | None:
    """The task by the rules of `insightface.model_zoo.ModelRouter`; None for any other model.

    InsightFace applies them to a running session, and so loads all five models of buffalo_l to
    keep two. Raises `UnreadableGraph`.
    """
    graph = _graph(path)
    if len(graph.output) >= _DETECTOR_OUTPUTS:
        return ModelTask.DETECTION
    shapes = _input_shapes(graph)
    return ModelTask.RECOGNITION if shapes and _is_recogniser(shapes) else None


def _is_recogniser(inputs: list[Shape]) -> bool:
    if len(inputs[0]) != 4:
        return False
    height, width = inputs[0][2:]
    if height is None or height != width or height in (_LANDMARK_SIZE, _ATTRIBUTE_SIZE):
        return False
    if len(inputs) == 2 and height == _SWAPPER_SIZE:
        return False
    return height >= _SMALLEST_RECOGNISER and height % _RECOGNISER_STEP == 0


def _graph(path: Path) -> onnx.GraphProto:
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise UnreadableGraph(f"{path.name} is not a readable ONNX model") from error
    if not model.graph.output:
        raise UnreadableGraph(f"{path.name} is not a readable ONNX model")
    return model.graph


def _input_shapes(graph: onnx.GraphProto) -> list[Shape]:
    weights = {initializer.name for initializer in graph.initializer}
    return [_shape(value) for value in graph.input if value.name not in weights]


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(size.dim_value or None for size in value.type.tensor_type.shape.dim)
