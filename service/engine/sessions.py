"""From a pack's files to networks on onnxruntime sessions: one for each shape of input.

Since 1.20 onnxruntime's CUDA provider plans a convolution anew whenever the input's shape differs from that of
the run before, and forgets the older plan (microsoft/onnxruntime#23006). A detector looks at each photograph in
two sizes: measured with mobile_s on an H200, a photograph takes 2.6 to 3.5 s so, and 10 ms with a session for each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.domain.errors import ModelUnavailable
from service.domain.face import EMBEDDING_SIZE
from service.engine.alignment import ALIGNABLE_MULTIPLES
from service.engine.packs import AS_THEY_ARE, ModelFile, Pack, PixelScale
from service.engine.providers import CPU, CUDA
from service.engine.tuning import tuned
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


_INPUT_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(uint8)": np.uint8,
}


class Network:
    """A loaded graph of one input, for every thread."""

    def __init__(
        self,
        first: onnxruntime.InferenceSession,
        another: Callable[[], onnxruntime.InferenceSession],
    ) -> None:
        """`another` makes `first` once more. Raises `ValueError` for a graph of several inputs."""
        [image] = first.get_inputs()
        self.providers: Sequence[str] = tuple(first.get_providers())
        self.input_name: str = image.name
        self.input_shape: Sequence[int | str] = image.shape
        self.input_type = _INPUT_TYPES.get(image.type)
        self.output_names: Sequence[str] = [one.name for one in first.get_outputs()]
        self.output_shapes: Sequence[Sequence[int | str]] = [
            one.shape for one in first.get_outputs()
        ]
        self._session = _session_or_one_per_shape(first, another)

    def require_pixels(self, scale: PixelScale) -> None:
        """Raises `ValueError` for a graph that cannot be given pixels of this scale."""
        takes = self.input_type if len(self.input_shape) == 4 else None
        if takes is None or (takes is np.uint8 and scale != AS_THEY_ARE):
            raise ValueError("it does not take pixels as its pack says that they are scaled")

    def run(self, array: NDArray[Any]) -> list[Any]:
        """All outputs, in the order of their names."""
        results: list[Any] = self._session.run(self.output_names, {self.input_name: array})
        return results


INTRA_OP_THREADS = 1
"""Threads inside one inference. Photographs run side by side instead: measured with a small pack
on 2 cores, 24 ms a photograph, against 77 ms one after the other with onnxruntime's default."""

_ERRORS_ONLY = 3

_CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
"""Heuristic: as fast as the exhaustive search, which picks by what it measured just then. Without TF32, whose
ten bits of mantissa gain nothing here, templates made on a GPU are those of the CPU: cosine 0.999999 and
scores within 3e-7, against 0.99995 and 2e-4 with it."""


def load_detector(pack: Pack, providers: Sequence[str]) -> Network:
    """Raises `ModelUnavailable`."""
    return _load(pack, pack.detection, providers)


def load_recognizer(pack: Pack, providers: Sequence[str]) -> Network:
    """Raises `ModelUnavailable`."""
    recognizer = _load(pack, pack.recognition, providers)
    require_alignable(pack, recognizer.input_shape[-1])
    numbers = next(reversed(recognizer.output_shapes[0]), None)
    if isinstance(numbers, int) and numbers > EMBEDDING_SIZE:
        raise _unavailable(pack, f"its embeddings have {numbers} numbers, more than 512")
    return recognizer


def load_network(
    model: Path | bytes, providers: Sequence[str], *, name: str, folder: Path
) -> Network:
    """`model`: a graph, as a file or as its bytes. `name`, `folder`: of what it belongs to.

    Raises `ModelUnavailable`.
    """
    try:
        return Network(_session(model, providers), lambda: _session(model, providers))
    except Exception as error:
        # onnxruntime raises anything from ValueError to Fail here.
        cause = f"a model cannot be loaded: {error}"
        raise ModelUnavailable(model=name, path=folder, cause=cause) from error


def require_alignable(pack: Pack, side: object) -> None:
    """`side`: pixels of the recognizer's square. Raises `ModelUnavailable`."""
    if not isinstance(side, int) or all(side % multiple for multiple in ALIGNABLE_MULTIPLES):
        raise _unavailable(pack, f"faces cannot be aligned to its {side} x {side} pixels")


def _load(pack: Pack, file: ModelFile, providers: Sequence[str]) -> Network:
    try:
        network = Network(_session(file.path, providers), lambda: _session(file.path, providers))
        network.require_pixels(file.scale)
    except Exception as error:
        # onnxruntime raises anything from ValueError to Fail here.
        raise _unavailable(pack, f"{file.path.name} cannot be loaded: {error}") from error
    return network


def _session_or_one_per_shape(
    session: onnxruntime.InferenceSession, another: Callable[[], onnxruntime.InferenceSession]
) -> onnxruntime.InferenceSession | SessionPerShape:
    return SessionPerShape(session, another) if session.get_providers()[0] == CUDA else session


def _session(model: Path | bytes, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    """On the CPU also where what was asked for does not start."""
    if list(providers) == [CPU]:
        return _made(tuned(model), [CPU])
    session = _made(model, providers)
    return session if session.get_providers()[0] != CPU else _session(model, [CPU])


def _made(model: Path | bytes, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    if CUDA in providers:
        _preload_cuda()
    with _loadable(model) as loadable:
        return onnxruntime.InferenceSession(
            loadable,
            sess_options=_session_options(),
            providers=[(one, _CUDA_OPTIONS if one == CUDA else {}) for one in providers],
        )


@contextmanager
def _loadable(model: Path | bytes) -> Iterator[str | bytes]:
    """A path, as a session keeps the bytes that it is given: 230 MB of a recognizer of buffalo_l's size."""
    if isinstance(model, Path):
        yield str(model)
    elif sys.platform == "linux":
        with os.fdopen(os.memfd_create("model"), "wb") as file:
            file.write(model)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        yield model


@cache
def _preload_cuda() -> None:
    """CUDA's libraries where pip has installed them, and not the system."""
    onnxruntime.preload_dlls()


def _session_options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = INTRA_OP_THREADS
    options.inter_op_num_threads = INTRA_OP_THREADS
    options.log_severity_level = _ERRORS_ONLY
    # Its gain is nothing here, and one large piece for every run that is under way leaves gaps.
    options.enable_mem_pattern = False  # DirectML does not support it
    return options


def _unavailable(pack: Pack, cause: str) -> ModelUnavailable:
    return ModelUnavailable(model=pack.model.name, path=pack.folder, cause=cause)
