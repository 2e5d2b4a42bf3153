"""PRelu has no kernel in onnxruntime's blocks of channels, and a slow one outside: it is written in two passes over them.

With the slope a, `PRelu(x) = a x + Relu((1 - a) x)` where a is 1 or less: two factors for each channel, of which
onnxruntime computes the second with the Relu, and the first with the addition. A channel whose slope is
more than 1 gets `-a x + Relu((a - 1) x)`, its value with the other sign, and who reads it other signs in its weights,
which rounds nothing. Where a reader has no weights, a third pass: `a x + (1 - a) Relu(x)`.

Measured with mobile_s's ArcFace, half of whose time PRelu is: 0.50 of it in three passes, 0.46 in two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from service.engine.graphs import Weights, constant, replace_nodes, whole_number

LARGEST_SLOPE = 16
"""Of either sign. A larger one's two parts are so much more than their sum that it drowns in their rounding."""

Slopes: TypeAlias = NDArray[np.float32]
Readers: TypeAlias = dict[str, list[onnx.NodeProto]]


def replace_prelu(model: onnx.ModelProto, weights: Weights) -> None:
    """`weights` gets those that are new."""
    graph = model.graph
    readers = _readers(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        slopes = slopes_of(node, weights)
        if slopes is None:
            nodes.append(node)
        elif (slopes <= 1).all() or _turn_signs(graph, weights, readers, node, slopes):
            nodes += _two_passes(graph, weights, node, slopes)
        else:
            nodes += _three_passes(graph, weights, node, slopes)
    replace_nodes(graph, nodes)


def slopes_of(node: onnx.NodeProto, weights: Weights) -> Slopes | None:
    """(channels,), of a PRelu with one for each."""
    slopes = weights.get(node.input[1]) if node.op_type == "PRelu" else None
    if (
        slopes is None
        or slopes.dtype != np.float32
        or slopes.ndim != 3
        or slopes.shape[1:] != (1, 1)
        or slopes.size == 1  # which may be for all channels
        or not bool((np.abs(slopes) <= LARGEST_SLOPE).all())
    ):
        return None
    return np.asarray(slopes, np.float32).ravel()


def _readers(graph: onnx.GraphProto) -> Readers:
    """By name. An output of the graph is read by a node of no kind."""
    readers: Readers = defaultdict(list)
    for node in (*graph.node, onnx.NodeProto(input=[one.name for one in graph.output])):
        for name in node.input:
            readers[name].append(node)
    return readers


def _signs(slopes: Slopes) -> Slopes:
    return np.where(slopes > 1, -1, 1).astype(slopes.dtype)


def _turn_signs(
    graph: onnx.GraphProto, weights: Weights, readers: Readers, node: onnx.NodeProto, slopes: Slopes
) -> bool:
    """Whether all that read `node` could be given weights for what it will give."""
    target = node.output[0]
    if not all(_reads_with_weights(one, target, weights, slopes.size) for one in readers[target]):
        return False
    for number, reader in enumerate(readers[target]):
        own = np.asarray(weights[reader.input[1]], np.float32)
        signs = _signs(slopes).reshape((-1, 1, 1, 1) if own.shape[1] == 1 else (1, -1, 1, 1))
        reader.input[1] = _constant(graph, weights, f"{target}/reader/{number}", own * signs)
    return True


def _reads_with_weights(reader: onnx.NodeProto, name: str, weights: Weights, channels: int) -> bool:
    """Whether it is a convolution over all channels, or of each by itself."""
    if reader.op_type != "Conv" or reader.input[0] != name or reader.input[1] not in weights:
        return False
    outputs, inputs = weights[reader.input[1]].shape[:2]
    groups = whole_number(reader, "group", 1)
    return bool((groups == 1 and inputs == channels) or (groups == outputs == channels))


def _two_passes(
    graph: onnx.GraphProto, weights: Weights, node: onnx.NodeProto, slopes: Slopes
) -> Sequence[onnx.NodeProto]:
    source, target = node.input[0], node.output[0]
    everywhere, more, above = (f"{target}/{part}" for part in ("everywhere", "more", "above"))
    return [
        _times(graph, weights, source, more, np.abs(1 - slopes)),
        helper.make_node("Relu", [more], [above]),
        _times(graph, weights, source, everywhere, _signs(slopes) * slopes),
        helper.make_node("Add", [everywhere, above], [target]),
    ]


def _three_passes(
    graph: onnx.GraphProto, weights: Weights, node: onnx.NodeProto, slopes: Slopes
) -> Sequence[onnx.NodeProto]:
    source, target = node.input[0], node.output[0]
    relu, everywhere, above = (f"{target}/{part}" for part in ("relu", "everywhere", "above"))
    return [
        helper.make_node("Relu", [source], [relu]),
        _times(graph, weights, source, everywhere, slopes),
        _times(graph, weights, relu, above, 1 - slopes),
        helper.make_node("Add", [everywhere, above], [target]),
    ]


def _times(
    graph: onnx.GraphProto, weights: Weights, source: str, target: str, factors: Slopes
) -> onnx.NodeProto:
    """A factor for each channel: a convolution of 1 x 1, which is computed in blocks."""
    name = _constant(graph, weights, f"{target}/factors", factors.reshape(-1, 1, 1, 1))
    return helper.make_node(
        "Conv", [source, name], [target], group=factors.size, kernel_shape=[1, 1]
    )


def _constant(
    graph: onnx.GraphProto, weights: Weights, name: str, values: NDArray[np.generic]
) -> str:
    weights[name] = values
    return constant(graph, name, values)
