"""Which maps of a graph are held as quarters, for convolutions that cost less there (`winograd.py`).

Measured with a recognizer of buffalo_l's size (IResNet-50) on one core with AVX-512, in processor time: its 3 x 3
convolutions of stride 1 are 0.87 of it, and run at 0.95 of what the core can multiply. So only
fewer multiplications help: 0.71 of the time, with 1e-6 of an embedding changed.

Taking a map apart costs little, putting it together much. So a map is held as quarters only where
whatever reads it can: other such convolutions, what is done number by number, and strides of 2.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from enum import Enum, auto

import numpy as np
import onnx
from onnx import helper

from service.engine.graphs import (
    Shapes,
    Weights,
    replace_nodes,
    shapes_of,
    whole_number,
    whole_numbers,
)
from service.engine.winograd import Drawing, Numbers, Quarters, convolved, halved, quarters

LEAST_CHANNELS = 64
"""Of what a convolution reads and of what it gives: with fewer, the sums cost what is saved. Measured,
sums included, as shares of the direct convolution: 0.80 with 64 channels of 112 x 112, 0.75 with 64 of
56 x 56, 0.67 with 128 of 28 x 28, 0.64 with 256 of 14 x 14."""

PROCESSORS = {"x86_64", "amd64"}
"""Those on which onnxruntime is known to compute in blocks of channels."""


class Role(Enum):
    """What a node can do with quarters."""

    CONVOLUTION = auto()
    NUMBER_BY_NUMBER = auto()
    HALVED = auto()
    PICKED = auto()
    NONE = auto()


READS_ONLY = {Role.HALVED, Role.PICKED}


def hold_in_quarters(model: onnx.ModelProto, weights: Weights) -> None:
    """Rewrite the graph, where that pays."""
    nodes = list(model.graph.node)
    if platform.machine().lower() not in PROCESSORS or not _may_pay(nodes, weights):
        return
    shapes = shapes_of(model)
    roles = [_role(node, weights, shapes) for node in nodes]
    held = _held(nodes, roles, {one.name for one in model.graph.output})
    if held:
        _Rewritten(model.graph, weights, shapes, held).write(nodes, roles)


def _may_pay(nodes: Iterable[onnx.NodeProto], weights: Weights) -> bool:
    return any(_is_winograd(node, weights) for node in nodes)


def _is_convolution(node: onnx.NodeProto, weights: Weights, kernel: int, stride: int) -> bool:
    """Whether it is one over all channels, square, with a border of zeros that keeps the sides."""
    if node.op_type != "Conv" or not {*node.input[1:]} <= weights.keys():
        return False
    filters = weights[node.input[1]]
    around = kernel // 2
    return (
        filters.dtype.type is np.float32
        and filters.shape[2:] == (kernel, kernel)
        and whole_number(node, "group", 1) == 1
        and set(whole_numbers(node, "dilations", (1, 1))) == {1}
        and whole_numbers(node, "strides", (1, 1)) == (stride, stride)
        and whole_numbers(node, "pads", (0,) * 4) == (around,) * 4
        and all(one.name != "auto_pad" or one.s == b"NOTSET" for one in node.attribute)
    )


def _is_winograd(node: onnx.NodeProto, weights: Weights) -> bool:
    if not _is_convolution(node, weights, 3, 1):
        return False
    return all(count >= LEAST_CHANNELS for count in weights[node.input[1]].shape[:2])


def _role(node: onnx.NodeProto, weights: Weights, shapes: Shapes) -> Role:
    if _is_winograd(node, weights):
        return Role.CONVOLUTION if _has_even_sides(shapes.get(node.input[0], ())) else Role.NONE
    if _is_convolution(node, weights, 3, 2):
        return Role.HALVED
    if _is_convolution(node, weights, 1, 2):
        return Role.PICKED
    return Role.NUMBER_BY_NUMBER if _is_number_by_number(node, weights, shapes) else Role.NONE


def _has_even_sides(shape: Sequence[int]) -> bool:
    """Of a map whose channels are known."""
    return len(shape) == 4 and shape[1] > 0 and all(side > 0 == side % 2 for side in shape[2:])


def _is_number_by_number(node: onnx.NodeProto, weights: Weights, shapes: Shapes) -> bool:
    if (
        len(node.output) != 1
        or not node.input
        or not _has_even_sides(shapes.get(node.input[0], ()))
    ):
        return False
    if node.op_type == "Add":
        one, other = (shapes.get(name) for name in node.input)
        return one == other and not weights.keys() & set(node.input)
    if node.op_type == "Conv":
        return _is_factor(node, weights)
    return node.op_type in {"Relu", "BatchNormalization"} and {*node.input[1:]} <= weights.keys()


def _is_factor(node: onnx.NodeProto, weights: Weights) -> bool:
    """Whether each channel is multiplied by one number."""
    if not {*node.input[1:]} <= weights.keys():
        return False
    shape = weights[node.input[1]].shape
    return (
        shape == (whole_number(node, "group", 1), 1, 1, 1)
        and set(whole_numbers(node, "strides", (1,))) == {1}
        and set(whole_numbers(node, "pads", (0,))) == {0}
    )


def _held(nodes: Sequence[onnx.NodeProto], roles: Sequence[Role], outputs: set[str]) -> set[str]:
    """Names of the maps: as many as their readers allow."""
    held: set[str] = set()
    for node, role in zip(nodes, roles, strict=True):
        if role is Role.CONVOLUTION or (role is Role.NUMBER_BY_NUMBER and held & {*node.input}):
            held.add(node.output[0])
    while unfit := {*_unfit(nodes, roles, held, outputs)}:
        held -= unfit
    return held


def _unfit(
    nodes: Sequence[onnx.NodeProto], roles: Sequence[Role], held: set[str], outputs: set[str]
) -> Iterable[str]:
    yield from held & outputs
    for node, role in zip(nodes, roles, strict=True):
        inputs, target = {*node.input}, node.output[0]
        if target not in held and role not in READS_ONLY:
            yield from held & inputs
        if target in held and role is Role.NUMBER_BY_NUMBER and not held & inputs:
            yield target


class _Rewritten:
    """`held`: names of the maps that become quarters."""

    def __init__(
        self, graph: onnx.GraphProto, weights: Weights, shapes: Shapes, held: set[str]
    ) -> None:
        self._graph = graph
        self._weights = weights
        self._shapes = shapes
        self._held = held
        self._draw = Drawing(graph)
        self._quarters: dict[str, Quarters] = {}

    def write(self, nodes: Sequence[onnx.NodeProto], roles: Sequence[Role]) -> None:
        for node, role in zip(nodes, roles, strict=True):
            target = node.output[0]
            if target in self._held:
                self._quarters[target] = self._as_quarters(node, role)
            elif not self._held.isdisjoint(node.input):
                self._as_whole(node, role)
            else:
                self._draw.nodes.append(node)
        replace_nodes(self._graph, self._draw.nodes)

    def _as_quarters(self, node: onnx.NodeProto, role: Role) -> Quarters:
        if role is Role.CONVOLUTION:
            given = self._given(node.input[0])
            return convolved(self._draw, given, self._filters(node), node.input[2:])
        inputs = [self._given(name) for name in node.input]
        settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        even_even, even_odd, odd_even, odd_odd = (
            self._draw.node(node.op_type, names, **settings) for names in zip(*inputs, strict=True)
        )
        return even_even, even_odd, odd_even, odd_odd

    def _as_whole(self, node: onnx.NodeProto, role: Role) -> None:
        given, bias = self._given(node.input[0]), node.input[2:]
        if role is Role.HALVED:
            halved(self._draw, given, self._filters(node), bias)
        else:
            self._draw.convolution(given[0], self._filters(node), bias)
        self._draw.call_last(node.output[0])

    def _given(self, name: str) -> Quarters:
        """Of a map; a weight is the same for each quarter."""
        if name in self._weights:
            return name, name, name, name
        if name not in self._quarters:
            self._quarters[name] = quarters(self._draw, name, self._shapes[name][1])
        return self._quarters[name]

    def _filters(self, node: onnx.NodeProto) -> Numbers:
        return np.asarray(self._weights[node.input[1]], np.float32)
