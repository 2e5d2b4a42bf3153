"""A detector that finds what a given one finds, at many times its work.

Beside the given graph, from the same picture, runs a backbone of SCRFD-10GF's shape with random weights: a deep
stem and four stages of residual blocks. Its mean, times zero, is added to one of the outputs: no optimizer
may drop what could be infinite, and no number changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from scripts.bench.random_layers import RandomLayers


@dataclass(frozen=True, slots=True)
class Backbone:
    """`stem`: channels of its three convolutions. `blocks`, `channels`: of each stage.

    SCRFD-10GF's blocks are these, its channels 28, 28, 56 and 56, 88, 88, 224; these are as many as make
    the whole ten times the work of SCRFD-500MF.
    """

    stem: Sequence[int] = (24, 24, 40)
    blocks: Sequence[int] = (3, 4, 2, 3)
    channels: Sequence[int] = (40, 64, 72, 192)

    def beside(self, detector: ModelProto, seed: int) -> ModelProto:
        """`detector`, changed: SCRFD as InsightFace exports it."""
        graph = detector.graph
        layers = RandomLayers(seed, "heavy_")
        features = self._features(layers, graph.input[0].name)
        mean = layers.node("ReduceMean", [features], axes=[1, 2, 3], keepdims=0)
        nothing = layers.node("Mul", [mean, layers.constant(np.zeros(1))])
        last, output = graph.node[-1], graph.output[-1].name
        last.output[0] = f"heavy_{output}"
        layers.node("Add", [last.output[0], nothing], output)
        graph.node.extend(layers.nodes)
        graph.initializer.extend(layers.weights)
        return detector

    def _features(self, layers: RandomLayers, picture: str) -> str:
        x, width = picture, 3
        for index, channels in enumerate(self.stem):
            x = _relu_conv(layers, x, (width, channels), stride=1 if index else 2)
            width = channels
        x = layers.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        for stage, (blocks, channels) in enumerate(zip(self.blocks, self.channels, strict=True)):
            for block in range(blocks):
                x = _block(layers, x, (width, channels), stride=2 if stage and not block else 1)
                width = channels
        return x


def _relu_conv(
    layers: RandomLayers, source: str, channels: tuple[int, int], stride: int = 1
) -> str:
    return layers.node("Relu", [layers.conv(source, channels, stride=stride, gain=2**0.5)])


def _block(layers: RandomLayers, source: str, channels: tuple[int, int], stride: int) -> str:
    inward, outward = channels
    x = _relu_conv(layers, source, channels, stride)
    x = layers.conv(x, (outward, outward))
    same = inward == outward and stride == 1
    shortcut = source if same else layers.conv(source, channels, kernel=1, stride=stride)
    return layers.node("Relu", [layers.node("Add", [x, shortcut])])
