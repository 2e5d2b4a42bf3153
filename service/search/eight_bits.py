"""Eight-bit codes compare search vectors with many probes at once, and without a miss.

With q' and x' for a probe and a row as their codes have them,

    |<q, x> - <q', x'>|  <=  |q - q'| |x| + |q'| |x - x'|

whatever the vectors are (Cauchy and Schwarz). So no row is left out that has the cosine asked for:
the codes' products are exact, and both errors are known, together 0.028 for most probes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from service.domain.face import EMBEDDING_SIZE
from service.domain.search import Positions, Vectors
from service.onnx_runtime import onnxruntime
from service.search.collection_index import CodeKind

MIDDLE = 128
"""What stands for zero in a row's code."""

MOST_OF_A_PROBE = 64
"""The largest number in a probe's code, of either sign."""

WIDEST = 0.25
"""The largest component that a row's code tells: 5.7 standard deviations of a component of a unit
vector that was rotated at random. At 127 steps a row errs by 0.0129 (standard deviation 0.0003)."""

MOST_ERROR = 0.0145
"""|x - x'| of a row. A few of a million have so large a component that they err more: those are near
to every probe. To read them each time costs less than wider steps for all."""

LONGEST = 1.001
"""|x| of a row, rounded as it may be. Nobody's is longer, unless it was tampered with: such a row is
near to every probe too, so that it is opened and noticed."""

BLOCK = 1_024
"""Rows that are multiplied at a time: for 256 probes their products are 1 MB, and stay in the cache.
With four times as many a row takes nearly twice as long."""

BYTES_PER_ROW = EMBEDDING_SIZE + 8
"""8: of position."""

_STEP = np.float32(WIDEST / 127)

_TINY = 1e-9
"""Instead of 0, for a probe that is all zeros."""

_BEYOND = np.iinfo(np.int32).max
"""More than any product."""

_NONE = np.empty(0, dtype=np.int64)

Products: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.int8]], NDArray[np.int32]]
"""Of rows (n, 512), less `MIDDLE` each, and probes (512, m): (n, m). Any number of threads may ask."""


class EightBitCodes:
    """Implements `Codes`."""

    def __init__(self, positions: Positions, vectors: Vectors) -> None:
        """`positions`: (n,); `vectors`: (n, 512). Takes about 2 µs a row."""
        blocks = [_Block.of(each) for each in _cut(vectors)]
        self.positions = positions
        self._blocks = [block.codes for block in blocks]
        self._odd = positions[np.concatenate([_NONE, *(block.odd for block in blocks)])]

    def __len__(self) -> int:
        return len(self.positions)

    def candidates(
        self, probes: Vectors, min_similarity: float, max_candidates: int
    ) -> list[Positions | None]:
        asked = _Asked.of(probes, min_similarity)
        hits, counts = [(_NONE, _NONE)], np.full(len(probes), len(self._odd))
        for number, block in enumerate(self._blocks):
            rows, those = asked.candidates(block)
            hits.append((rows + number * BLOCK, those))
            counts += np.bincount(those, minlength=len(probes))
            asked.leave_out(counts > max_candidates)
        return [
            None if counts[n] > max_candidates else np.union1d(self._odd, self.positions[rows])
            for n, rows in enumerate(_by_probe(hits, len(probes)))
        ]

    def merge(self, other: EightBitCodes) -> None:
        not_full = bool(self._blocks) and len(self._blocks[-1]) < BLOCK
        last = [self._blocks.pop()] if not_full else []
        self._blocks += _blocks([*last, *other._blocks])
        self.positions = np.concatenate([self.positions, other.positions])
        self._odd = np.concatenate([self._odd, other._odd])

    def remove(self, rows: NDArray[np.int64]) -> None:
        if len(rows):
            left = np.delete(np.concatenate(self._blocks), rows, axis=0)
            self._odd = np.setdiff1d(self._odd, self.positions[rows])
            self.positions = np.delete(self.positions, rows)
            self._blocks = _blocks([left])


EIGHT_BITS = CodeKind(BYTES_PER_ROW, EightBitCodes)


@dataclass(frozen=True, slots=True)
class _Block:
    """Codes of at most `BLOCK` rows. `odd`: which of them no code tells well enough."""

    codes: NDArray[np.uint8]
    odd: NDArray[np.int64]

    @classmethod
    def of(cls, vectors: Vectors) -> _Block:
        steps = np.rint(np.clip(vectors, -WIDEST, WIDEST) / _STEP)
        fits = (_norms(vectors - steps * _STEP) <= MOST_ERROR) & (_norms(vectors) <= LONGEST)
        codes = np.where(fits[:, None], steps, 0) + MIDDLE
        return cls(codes.astype(np.uint8), np.flatnonzero(~fits))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Probes (512, m) as codes. `least`: from which product on a row may be near enough, (m,)."""

    codes: NDArray[np.int8]
    least: NDArray[np.int32]

    @classmethod
    def of(cls, probes: Vectors, min_similarity: float) -> _Asked:
        exact = probes.astype(np.float64)
        step = np.maximum(np.abs(exact).max(axis=1, keepdims=True) / MOST_OF_A_PROBE, _TINY)
        steps = np.rint(exact / step)
        told = steps * step
        margin = LONGEST * _norms(exact - told) + MOST_ERROR * _norms(told)
        least = np.floor((min_similarity - margin) / (_STEP * step[:, 0]))
        codes = np.ascontiguousarray(steps.T, dtype=np.int8)
        return cls(codes, np.clip(least, -_BEYOND, _BEYOND).astype(np.int32))

    def candidates(self, block: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows by their number in the block, and probes by theirs."""
        found = np.flatnonzero(products()(block, self.codes) >= self.least)
        rows, probes = np.divmod(found, len(self.least))
        return rows, probes

    def leave_out(self, probes: NDArray[np.bool_]) -> None:
        """No row is a candidate for these probes any more: they have too many already."""
        self.least[probes] = _BEYOND


def _norms(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    norms: NDArray[np.floating] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return norms


def _cut(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def _blocks(codes: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """All full but the last. Each owns its memory: one that is replaced must not stay, unseen,
    with its neighbors.
    """
    return [block.copy() for block in _cut(np.concatenate(codes))] if codes else []


def _by_probe(
    hits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], number: int
) -> list[NDArray[np.int64]]:
    """`hits`: rows and their probes. The rows of each probe."""
    rows, probes = (np.concatenate(each) for each in zip(*hits, strict=True))
    order = np.argsort(probes, kind="stable")
    ends = np.cumsum(np.bincount(probes, minlength=number))
    return np.split(rows[order], ends[:-1])


@cache
def products() -> Products:
    """onnxruntime's kernel for quantized networks multiplies bytes as the processor does best, about
    700 GOPS on one core with VNNI; numpy has none. A processor without VNNI adds two products in 16
    bits first, and cuts off what is larger: so probes have 7 bits, and 2 x 255 x 64 fits.

    Made when first asked for: it takes milliseconds. Runs in the thread that calls it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])
    return lambda rows, probes: session.run(None, {"rows": rows, "probes": probes})[0]


def _model() -> bytes:
    size, tensor = EMBEDDING_SIZE, helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["rows", "probes", "middle"], ["products"])],
        "products",
        [
            tensor("rows", TensorProto.UINT8, ["n", size]),
            tensor("probes", TensorProto.INT8, [size, "m"]),
        ],
        [tensor("products", TensorProto.INT32, ["n", "m"])],
        [helper.make_tensor("middle", TensorProto.UINT8, [], [MIDDLE])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    serialized: bytes = model.SerializeToString()
    return serialized
