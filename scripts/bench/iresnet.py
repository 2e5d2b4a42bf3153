"""IResNet-50, the architecture of buffalo_l's recognizer (w600k_r50), with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import ModelProto, TensorProto, helper

from scripts.bench.random_layers import OPSET, RandomLayers

SIDE, EMBEDDING = 112, 512
_LAST_SIDE = 7
"""Pixels: each of the four stages halves the side."""

_IR_VERSION = 6
_BRANCH_GAIN = 0.4
"""Of what a block adds to its input: 24 of them leave activations finite by far."""


@dataclass(frozen=True, slots=True)
class IResNet:
    """`blocks` and `channels` of each of the four stages; the stem has `channels[0]`."""

    blocks: Sequence[int] = (3, 4, 14, 3)
    channels: Sequence[int] = (64, 128, 256, 512)

    def model(self, seed: int) -> ModelProto:
        """Takes any number of crops (n, 3, 112, 112), scaled as (pixel - 127.5) / 127.5."""
        layers = RandomLayers(seed)
        width = self.channels[0]
        x = layers.prelu(layers.conv("input.1", (3, width)), width)
        for blocks, channels in zip(self.blocks, self.channels, strict=True):
            x = _block(layers, x, (width, channels), stride=2)
            for _ in range(blocks - 1):
                x = _block(layers, x, (channels, channels), stride=1)
            width = channels
        x = layers.node("Flatten", [layers.norm(x, width)], axis=1)
        x = layers.dense(x, width * _LAST_SIDE**2, EMBEDDING)
        layers.norm(x, EMBEDDING, "embedding")
        return _model(layers)


def _block(layers: RandomLayers, source: str, channels: tuple[int, int], stride: int) -> str:
    inward, outward = channels
    x = layers.conv(layers.norm(source, inward), (inward, outward))
    x = layers.prelu(x, outward)
    x = layers.conv(x, (outward, outward), stride=stride, gain=_BRANCH_GAIN)
    shortcut = layers.conv(source, channels, kernel=1, stride=stride) if stride > 1 else source
    return layers.node("Add", [x, shortcut])


def _model(layers: RandomLayers) -> ModelProto:
    graph = helper.make_graph(
        layers.nodes,
        "iresnet",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", EMBEDDING])],
        layers.weights,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION)
