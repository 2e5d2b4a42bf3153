"""A 3 x 3 convolution takes 2.25 times fewer multiplications as Winograd's F(2 x 2, 3 x 3).

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015). Two neighboring results of
three weights depend on four values; four sums of these, each multiplied by one number, add up to both:
4 multiplications and not 6. Done along the rows and along the columns, 16 and not 36.

onnxruntime has no such convolution, so here it is drawn in nodes that it computes in blocks of channels
(NCHWc): each of the 16 products is a convolution of 1 x 1, the sums are convolutions of every channel by
itself, and additions. No such node moves a value to another place in a map, which is why a map is held
as its four `Quarters`. What rounding does to an embedding is 1e-6 of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from service.engine.graphs import constant

Numbers: TypeAlias = NDArray[np.float32]

Quarters: TypeAlias = tuple[str, str, str, str]
"""A map of even sides as four of half its sides, by row and column: even-even, even-odd, odd-even, odd-odd."""

PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Row and column at which each of the `Quarters` begins."""

ROWS, COLUMNS = 2, 3
"""Axes of (batch, channels, rows, columns)."""

_FILTER = np.asarray([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, -1]], np.float32)
"""What three weights become: G of the paper, its last row negative so that products are only added."""

_IN_EACH_RESULT = (1, 1)
"""Row and column of the product that is added to all four results: where the bias belongs."""

_NO_PADS = (0, 0, 0, 0)

_BEGINNING_AT = {(0, 0): [[1]], (0, 1): [[0, 1]], (1, 0): [[0], [1]], (1, 1): [[0, 0], [0, 1]]}
"""Taps that take the value so many rows below and columns to the right."""

_STEP = {
    ROWS: ([[1], [-1]], (1, 0, 0, 0), (0, 0, 1, 0)),
    COLUMNS: ([[1, -1]], (0, 1, 0, 0), (0, 0, 0, 1)),
}
"""Taps for a value less the next one, and the pads at which it begins with the border, and ends with it."""


class Drawing:
    """New nodes of `graph`, in order."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._graph = graph
        self._taps: dict[tuple[object, ...], str] = {}

    def node(self, operator: str, inputs: Sequence[str], **settings: Any) -> str:  # noqa: ANN401 - as onnx has them
        """The name of its result."""
        target = f"winograd/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [target], **settings))
        return target

    def call_last(self, name: str) -> None:
        """`name`: what others know the last node's result by."""
        self.nodes[-1].output[0] = name

    def sum(self, *terms: str) -> str:
        first, *others = terms
        for other in others:
            first = self.node("Add", [first, other])
        return first

    def convolution(
        self,
        source: str,
        weights: Numbers,
        bias: Sequence[str] = (),
        pads: Sequence[int] = _NO_PADS,
    ) -> str:
        """Of stride 1. `weights`: (outputs, inputs, rows, columns)."""
        name = self._constant(weights)
        kernel = weights.shape[2:]
        return self.node("Conv", [source, name, *bias], kernel_shape=kernel, pads=pads)

    def weighted(
        self,
        source: str,
        channels: int,
        taps: Sequence[Sequence[int]],
        *,
        stride: int = 1,
        pads: Sequence[int] = _NO_PADS,
    ) -> str:
        """In each channel the neighbors times `taps`, rows of columns, added."""
        key = channels, *map(tuple, taps)
        if key not in self._taps:
            every = np.broadcast_to(np.asarray(taps, np.float32), (channels, 1, *np.shape(taps)))
            self._taps[key] = self._constant(every)
        return self.node(
            "Conv",
            [source, self._taps[key]],
            kernel_shape=np.shape(taps),
            strides=(stride, stride),
            pads=pads,
            group=channels,
        )

    def difference(self, one: str, other: str, channels: int) -> str:
        return self.sum(one, self.weighted(other, channels, [[-1]]))

    def _constant(self, values: Numbers) -> str:
        return constant(self._graph, f"winograd/weights/{len(self._graph.initializer)}", values)


def quarters(draw: Drawing, source: str, channels: int) -> Quarters:
    """Of a whole map."""
    even_even, even_odd, odd_even, odd_odd = (
        draw.weighted(source, channels, _BEGINNING_AT[place], stride=2) for place in PLACES
    )
    return even_even, even_odd, odd_even, odd_odd


def convolved(draw: Drawing, given: Quarters, weights: Numbers, bias: Sequence[str]) -> Quarters:
    """3 x 3 weights, stride 1, a border of one zero. `bias`: its name, or none."""
    outputs, channels = weights.shape[:2]
    even_even, even_odd, odd_even, odd_odd = given
    in_columns = (
        _sums(draw, even_even, odd_even, channels, ROWS),
        _sums(draw, even_odd, odd_odd, channels, ROWS),
    )
    filters = _filters(weights)
    rows = []
    for row, pair in enumerate(zip(*in_columns, strict=True)):
        products = [
            draw.convolution(
                one, filters[row, column], bias if (row, column) == _IN_EACH_RESULT else ()
            )
            for column, one in enumerate(_sums(draw, *pair, channels, COLUMNS))
        ]
        rows.append(_results(draw, products, outputs))
    even, odd = (_results(draw, column, outputs) for column in zip(*rows, strict=True))
    return even[0], odd[0], even[1], odd[1]


def _filters(weights: Numbers) -> Numbers:
    """(4, 4, outputs, inputs, 1, 1)."""
    each = np.kron(_FILTER, _FILTER) @ weights.reshape(-1, 9).T
    return np.asarray(each.reshape(4, 4, *weights.shape[:2], 1, 1), np.float32)


def _sums(draw: Drawing, even: str, odd: str, channels: int, axis: int) -> tuple[str, ...]:
    """The paper's B: four, of the values of a map in even and in odd places along `axis`."""
    taps, before, after = _STEP[axis]
    return (
        draw.weighted(odd, channels, taps, pads=before),
        draw.sum(even, odd),
        draw.difference(odd, even, channels),
        draw.weighted(even, channels, taps, pads=after),
    )


def _results(draw: Drawing, products: Sequence[str], channels: int) -> tuple[str, str]:
    """The paper's A: those in even and in odd places."""
    first, second, third, fourth = products
    return (
        draw.sum(draw.sum(second, third), first),
        draw.sum(draw.difference(second, third, channels), fourth),
    )


def halved(draw: Drawing, given: Quarters, weights: Numbers, bias: Sequence[str]) -> str:
    """A whole map: 3 x 3 weights, stride 2, a border of one zero. `bias`: its name, or none."""
    parts = [
        draw.convolution(
            quarter,
            weights[:, :, 1 - row :: 2, 1 - column :: 2],
            () if row or column else bias,
            pads=(row, column, 0, 0),
        )
        for quarter, (row, column) in zip(given, PLACES, strict=True)
    ]
    return draw.sum(*parts)
