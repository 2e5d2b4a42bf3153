"""The same graph, written so that onnxruntime's CPU kernels run it faster.

onnxruntime keeps convolutions in blocks of 16 channels (NCHWc), and leaves that layout for what it
does not know in it. Three things cost much there, measured on one core with AVX-512:

- PRelu has no kernel in blocks and a slow one outside: without it mobile_s's ArcFace takes 0.46 of
  the time, one of buffalo_l's size 0.89 (`prelu.py`).
- Convolutions of 3 x 3 over many channels, nearly all of a network of buffalo_l's size, take 1.4
  times what they can (`quarters.py`).
- SCRFD's heads are three convolutions of 2, 8 and 20 channels over one input, each rounded up to
  whole blocks; as one convolution of 30 channels, cut up afterwards, mobile_s's takes 0.86 of the time.

The third changes no bit of the answer, the others round differently (1e-6 of an embedding).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from service.engine.eight_bit_prelu import replace_prelu_of_codes
from service.engine.graphs import (
    Weights,
    constant,
    drop_unused,
    has_subgraphs,
    opened,
    opset_of,
    replace_nodes,
    weights_of,
    whole_number,
)
from service.engine.prelu import replace_prelu
from service.engine.quarters import hold_in_quarters

BLOCK = 16
"""Channels of a block with AVX-512; 8 with less, of which this is a multiple."""

_SPLIT_SIZES_ARE_AN_INPUT = 13
"""ONNX opset since which Split takes its sizes as a tensor."""


def tuned(source: Path | bytes) -> Path | bytes:
    """The model to give onnxruntime: `source` as it is, or a rewritten copy of its bytes."""
    model = opened(source)
    if has_subgraphs(model.graph):  # they may read what is named here, and nobody else
        return source
    weights = weights_of(model.graph)
    before = list(model.graph.node)
    replace_prelu_of_codes(model, weights)
    replace_prelu(model, weights)
    hold_in_quarters(model, weights)
    _merge_siblings(model, weights)
    if list(model.graph.node) == before:
        return source
    drop_unused(model.graph)
    weights.clear()  # before there is one more copy of them
    return bytes(model.SerializeToString())


def _merge_siblings(model: onnx.ModelProto, weights: Weights) -> None:
    """Convolutions of one input that differ in nothing but weights, as one, where blocks are saved."""
    opset = opset_of(model)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for siblings in _siblings(model.graph.node, weights):
        widths = [weights[node.input[1]].shape[0] for node in siblings]
        if _blocks(sum(widths)) < sum(map(_blocks, widths)):
            replaced |= {node.output[0]: [] for node in siblings}
            merged = _merged(model.graph, siblings, weights)
            replaced[siblings[0].output[0]] = [
                merged,
                _split(model.graph, merged.output[0], siblings, widths, opset),
            ]
    nodes = [new for node in model.graph.node for new in replaced.get(node.output[0], [node])]
    replace_nodes(model.graph, nodes)


def _siblings(nodes: Iterable[onnx.NodeProto], weights: Weights) -> list[list[onnx.NodeProto]]:
    alike: defaultdict[tuple[object, ...], list[onnx.NodeProto]] = defaultdict(list)
    for node in nodes:
        if (
            node.op_type == "Conv"
            and set(node.input[1:]) <= weights.keys()
            and whole_number(node, "group", 1) == 1
        ):
            settings = sorted(one.SerializeToString() for one in node.attribute)
            shape = weights[node.input[1]].shape[1:]
            alike[node.input[0], len(node.input), shape, *settings].append(node)
    return [group for group in alike.values() if len(group) > 1]


def _merged(
    graph: onnx.GraphProto, siblings: Sequence[onnx.NodeProto], weights: Weights
) -> onnx.NodeProto:
    first = siblings[0]
    target = f"{first.output[0]}/merged"
    together = [
        constant(
            graph, f"{target}/{index}", np.concatenate([weights[n.input[index]] for n in siblings])
        )
        for index in range(1, len(first.input))
    ]
    node = helper.make_node("Conv", [first.input[0], *together], [target])
    node.attribute.extend(first.attribute)
    return node


def _split(
    graph: onnx.GraphProto,
    source: str,
    siblings: Sequence[onnx.NodeProto],
    widths: Sequence[int],
    opset: int,
) -> onnx.NodeProto:
    targets = [node.output[0] for node in siblings]
    if opset < _SPLIT_SIZES_ARE_AN_INPUT:
        return helper.make_node("Split", [source], targets, axis=1, split=list(widths))
    sizes = constant(graph, f"{source}/widths", np.asarray(widths, np.int64))
    return helper.make_node("Split", [source, sizes], targets, axis=1)


def _blocks(channels: int) -> int:
    return -(-channels // BLOCK)
