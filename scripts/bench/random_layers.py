"""ONNX graphs of layers with random weights, as PyTorch exports them: a normalization that follows a
convolution is folded into it, one that precedes it stays a node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Attribute: TypeAlias = Any
"""Whatever `onnx.helper` takes for one."""

OPSET = 11
"""That of InsightFace's own exports, and of what `mobile_s` detects faces with."""


class RandomLayers:
    """Nodes and weights of a graph that grows by a layer a call. Each call gives the name of its output.

    Weights are normal with the spread that keeps activations about as large as they came in (He et
    al., 2015): none is so small that a processor computes slowly with it.
    """

    def __init__(self, seed: int, prefix: str = "") -> None:
        """`prefix`: of all names, where the nodes join another graph."""
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._random = np.random.default_rng(seed)
        self._prefix = prefix

    def node(
        self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Attribute
    ) -> str:
        name = f"{self._prefix}{kind}_{len(self.nodes)}"
        target = output or f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [target], name, **attributes))
        return target

    def conv(
        self,
        source: str,
        channels: tuple[int, int],
        *,
        kernel: int = 3,
        stride: int = 1,
        gain: float = 1.0,
    ) -> str:
        """`channels`: in and out. `gain`: how much larger the output's spread is than the input's."""
        inward, outward = channels
        weight = self._normal((outward, inward, kernel, kernel), gain / (inward * kernel**2) ** 0.5)
        return self.node(
            "Conv",
            [source, weight, self._normal((outward,), 0.1)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
            dilations=[1, 1],
            group=1,
        )

    def norm(self, source: str, channels: int, output: str = "") -> str:
        random = self._random
        scale, variance = (random.uniform(0.8, 1.2, channels) for _ in range(2))
        shift, mean = (random.normal(0, 0.1, channels) for _ in range(2))
        names = [self.constant(one) for one in (scale, shift, mean, variance)]
        return self.node("BatchNormalization", [source, *names], output, epsilon=1e-5, momentum=0.9)

    def prelu(self, source: str, channels: int) -> str:
        slopes = self._random.uniform(0.1, 0.4, (channels, 1, 1))
        return self.node("PRelu", [source, self.constant(slopes)])

    def dense(self, source: str, inward: int, outward: int) -> str:
        weight = self._normal((outward, inward), inward**-0.5)
        bias = self._normal((outward,), 0.1)
        return self.node("Gemm", [source, weight, bias], transB=1, alpha=1.0, beta=1.0)

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"{self._prefix}weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def _normal(self, shape: tuple[int, ...], spread: float) -> str:
        values = self._random.standard_normal(shape, np.float32)
        values *= np.float32(spread)
        return self.constant(values)
