"""PRelu between two convolutions of 8 bits, in 8 bits.

onnxruntime has no such PRelu: it makes numbers of the codes, takes a slow kernel, and makes codes
again. But for slopes up to 1 `PRelu(x) = max(x, a x)`, and codes of one scale compare as their numbers
do: so both are made codes of the scale after it. Measured with a recognizer of buffalo_l's size: docs/decisions/0032-eight-bits.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from service.engine.graphs import Weights, constant, replace_nodes

_ONNXRUNTIME = "com.microsoft"
"""The domain of its own operators."""

_LARGEST_CODE = 255

_LEAST_SLOPE = -4
"""With a lesser one the codes of all slopes, which share a scale, would be 0.02 and more apart."""


class _Place(NamedTuple):
    """Codes are made numbers, PRelu, and codes again."""

    numbers: onnx.NodeProto
    prelu: onnx.NodeProto
    codes: onnx.NodeProto


def replace_prelu_of_codes(model: onnx.ModelProto, weights: Weights) -> None:
    """In a graph as onnxruntime's quantizer writes them: DequantizeLinear, PRelu, QuantizeLinear."""
    graph = model.graph
    places = {place.codes.output[0]: place for place in _places(graph, weights)}
    if not places:
        return
    replaced = {name: _of_codes(graph, place, weights) for name, place in places.items()}
    nodes = [new for node in graph.node for new in replaced.get(node.output[0], [node])]
    replace_nodes(graph, _read(graph, nodes))
    if all(one.domain != _ONNXRUNTIME for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_ONNXRUNTIME, 1))


def _places(graph: onnx.GraphProto, weights: Weights) -> list[_Place]:
    sources = {name: node for node in graph.node for name in node.output}
    found: list[_Place] = []
    for codes in graph.node:
        prelu = sources.get(codes.input[0]) if codes.op_type == "QuantizeLinear" else None
        numbers = sources.get(prelu.input[0]) if prelu and prelu.op_type == "PRelu" else None
        if prelu and numbers and numbers.op_type == "DequantizeLinear":
            place = _Place(numbers, prelu, codes)
            found += [place] if _is_known(place, weights) else []
    return found


def _is_known(place: _Place, weights: Weights) -> bool:
    """Whether both scales are constants, of bytes, and each slope is between the least and 1."""
    scales = [*place.numbers.input[1:], *place.codes.input[1:]]
    slopes = weights.get(place.prelu.input[1])
    if slopes is None or len(scales) < 4 or not {*scales} <= weights.keys():
        return False
    of_bytes = all(weights[name].dtype == np.uint8 for name in (scales[1], scales[3]))
    one_for_all = all(weights[name].ndim == 0 for name in scales)
    numbers = np.asarray(slopes, np.float64)
    return of_bytes and one_for_all and bool(np.all((numbers >= _LEAST_SLOPE) & (numbers <= 1)))


def _of_codes(graph: onnx.GraphProto, place: _Place, weights: Weights) -> list[onnx.NodeProto]:
    target = place.codes.output[0]
    slopes = np.asarray(weights[place.prelu.input[1]], np.float32)
    below, above = f"{target}/below", f"{target}/above"
    return [
        _product(graph, place, slopes, below),
        _product(graph, place, np.float32(1), above),
        helper.make_node("Max", [above, below], [target]),
    ]


def _product(
    graph: onnx.GraphProto, place: _Place, factors: NDArray[np.float32] | np.float32, target: str
) -> onnx.NodeProto:
    """Of the codes before, as codes after."""
    lowest, highest = min(0.0, float(np.min(factors))), max(0.0, float(np.max(factors)))
    scale = (highest - lowest) / _LARGEST_CODE or 1.0
    zero = round(-lowest / scale)
    constants = {
        "factors": (np.rint(factors / scale) + zero).clip(0, _LARGEST_CODE).astype(np.uint8),
        "scale": np.float32(scale),
        "zero": np.uint8(zero),
    }
    names = [
        constant(graph, f"{target}/{part}", np.asarray(values))
        for part, values in constants.items()
    ]
    inputs = [*place.numbers.input, *names, *place.codes.input[1:]]
    return helper.make_node("QLinearMul", inputs, [target], domain=_ONNXRUNTIME)


def _read(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Without those whose output nobody reads any more, from the last to the first."""
    needed = {one.name for one in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if not needed.isdisjoint(node.output):
            kept.append(node)
            needed |= {*node.input}
    return kept[::-1]
