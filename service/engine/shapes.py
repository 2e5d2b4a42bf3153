"""A session for each shape of input, which is how onnxruntime is fast on CUDA.

Since 1.20 its CUDA provider plans a convolution anew whenever the input's shape differs from that of the
run before, and forgets the older plan (microsoft/onnxruntime#23006). A detector looks at each photograph in two
sizes: measured with mobile_s on an H200, a photograph takes 2.6 to 3.5 s so, and 10 ms with a session for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.onnx_runtime import onnxruntime

Item = TypeVar("Item")
Shape: TypeAlias = tuple[int, ...]

BATCH_SIZES = (1, 4, 16, 64)
"""Faces of the batches that are run, others being filled up to the next of these: each size is one more
session, and a second or two at the start. Measured on an H200: 1.1, 1.4, 2.6 and 12 ms."""


class SessionPerShape:
    """Stands for an onnxruntime session of one input. Safe to run from many threads."""

    def __init__(
        self,
        first: onnxruntime.InferenceSession,
        another: Callable[[], onnxruntime.InferenceSession],
    ) -> None:
        """`first` is used for whatever shape comes first; `another` makes the same once more."""
        self._spare: onnxruntime.InferenceSession | None = first
        self._providers: Sequence[str] = first.get_providers()
        self._another = another
        self._sessions: dict[Shape, onnxruntime.InferenceSession] = {}
        self._lock = Lock()

    def get_providers(self) -> Sequence[str]:
        return self._providers

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[Any]:
        [array] = inputs.values()
        results: list[Any] = self._of(array.shape).run(outputs, inputs)
        return results

    def _of(self, shape: Shape) -> onnxruntime.InferenceSession:
        with self._lock:
            if shape not in self._sessions:
                self._sessions[shape] = self._next()
            return self._sessions[shape]

    def _next(self) -> onnxruntime.InferenceSession:
        """Raises `RuntimeError` where it would quietly run somewhere else, for want of memory say."""
        session, self._spare = self._spare or self._another(), None
        if (obtained := session.get_providers()) != self._providers:
            raise RuntimeError(f"one session more runs on {', '.join(obtained)} only")
        return session


def in_batch_sizes(items: Sequence[Item]) -> Iterator[tuple[list[Item], int]]:
    """`items` in batches of one of `BATCH_SIZES`, each with how many of it, from its start, count."""
    largest = BATCH_SIZES[-1]
    for start in range(0, len(items), largest):
        piece = list(items[start : start + largest])
        size = next(size for size in BATCH_SIZES if size >= len(piece))
        yield piece + piece[-1:] * (size - len(piece)), len(piece)


def features_by_size(
    features: Callable[[list[Item]], NDArray[Any]], items: Sequence[Item]
) -> NDArray[Any]:
    """(n, …): what `features` makes of n items, one or more, asked only for `BATCH_SIZES` at a time."""
    return np.concatenate([features(batch)[:count] for batch, count in in_batch_sizes(items)])
