"""What the rules that rewrite an ONNX graph share: its weights and shapes, its nodes' settings, new nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

Weights: TypeAlias = dict[str, NDArray[np.generic]]
Shapes: TypeAlias = dict[str, tuple[int, ...]]

_LARGEST_SETTING = 1024
"""Bytes of a constant whose value a shape may depend on."""


def opened(source: Path | bytes) -> onnx.ModelProto:
    """The graph and its weights."""
    if isinstance(source, bytes):
        return onnx.load_model_from_string(source)
    return onnx.load_model(str(source))


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators."""
    return next(int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx"))


def weights_of(graph: onnx.GraphProto) -> Weights:
    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def has_subgraphs(graph: onnx.GraphProto) -> bool:
    """Whether a node has graphs of its own, as If and Loop have."""
    return any(one.HasField("g") or one.graphs for node in graph.node for one in node.attribute)


def shapes_of(model: onnx.ModelProto) -> Shapes:
    """Of each result whose shape is known; 0 for a side of any length."""
    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.node.extend(model.graph.node)
    named = {one.name for one in model.graph.initializer}
    bare.graph.input.extend(one for one in model.graph.input if one.name not in named)
    bare.graph.output.extend(model.graph.output)
    for one in model.graph.initializer:
        if one.ByteSize() <= _LARGEST_SETTING:
            bare.graph.initializer.append(one)
        else:
            about = helper.make_tensor_value_info(one.name, one.data_type, one.dims)
            bare.graph.input.append(about)
    told = shape_inference.infer_shapes(bare).graph
    return {
        one.name: tuple(side.dim_value for side in one.type.tensor_type.shape.dim)
        for one in (*told.input, *told.value_info)
    }


def whole_number(node: onnx.NodeProto, name: str, default: int) -> int:
    """The attribute `name`."""
    return next((one.i for one in node.attribute if one.name == name), default)


def whole_numbers(node: onnx.NodeProto, name: str, default: Sequence[int]) -> tuple[int, ...]:
    """The attribute `name`."""
    return next((tuple(one.ints) for one in node.attribute if one.name == name), tuple(default))


def constant(graph: onnx.GraphProto, name: str, values: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
    return name


def replace_nodes(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Take the weights away that no node has any more, also where older files call them inputs."""
    needed = {name for node in graph.node for name in node.input}
    needed |= {one.name for one in graph.output}
    unused = {one.name for one in graph.initializer} - needed
    for named in (graph.initializer, graph.input):
        for index in reversed(range(len(named))):
            if named[index].name in unused:
                del named[index]
