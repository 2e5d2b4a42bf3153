"""A pack's copy whose recognizer has 8-bit weights, calibrated on photographs.

What is quantized was chosen by measurement (docs/quantize.md): convolutions over all channels and
matrix products, since they hold the weights and most of the work. The first convolution and the
depthwise ones stay: they are few numbers, and each of them takes as much agreement with the
original as all the others together. So does the detector: SCRFD's boxes decide where every crop
is cut.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from service.domain.errors import PackExists, QuantizationFailed
from service.domain.face import FaceCrop
from service.engine.graphs import opened, opset_of, whole_number
from service.engine.licenses import DLIB
from service.engine.licenses import QUANTIZED as QUANTIZED_NAME
from service.engine.models import load_models
from service.engine.packs import Pack, find_pack, pack_folder, scales_pixels
from service.engine.providers import CPU
from service.engine.recognizer import ArcFace, Recognizer
from service.machine import multiplies_bytes

SCALES_PER_CHANNEL_SINCE = 13
"""ONNX opset in which DequantizeLinear takes one scale per channel."""

QUANTIZED = ["Conv", "MatMul", "Gemm"]


class PackQuantizer:
    """`name`: of the installed pack. The copy's name is that with `_int8` after it."""

    def __init__(self, name: str, model_root: Path) -> None:
        self._source = name
        self._root = model_root
        self.name = f"{name}{QUANTIZED_NAME}"
        self.folder = pack_folder(self.name, model_root)

    def require_new(self) -> None:
        """Raises `PackExists`; `QuantizationFailed` for a model that is no pack."""
        if self._source == DLIB:
            raise self._failed("its weights are no ONNX model")
        if self.folder.exists():
            raise PackExists(path=self.folder)

    def quantize(self, crops: Sequence[FaceCrop]) -> float:
        """Make the copy, all of it in one rename; returns its recognizer's size over the original's.

        `crops` calibrate the ranges of what flows between the layers. Raises `PackExists`,
        `QuantizationFailed`, `ModelUnavailable`, `OSError`.
        """
        self.require_new()
        pack = find_pack(self._source, self._root)
        if pack.has_manifest:
            raise self._failed("it has a manifest, whose digests would no longer fit")
        with tempfile.TemporaryDirectory(prefix=f".{self.name}-", dir=self.folder.parent) as shop:
            copy = Path(shop) / "models"
            copy.mkdir()
            written = self._write(pack, crops, copy)
            size = written.stat().st_size / pack.recognition.path.stat().st_size
            self._publish(copy)
        return size

    def _write(self, pack: Pack, crops: Sequence[FaceCrop], folder: Path) -> Path:
        original, target = pack.recognition.path, folder / pack.recognition.path.name
        prepared = folder.parent / "prepared.onnx"
        try:
            onnx.save(_prepared(original), str(prepared))
            _, recognizer = load_models(pack, [CPU])
            _quantize(prepared, target, _Calibration(recognizer, crops))
        except Exception as error:
            # onnx, its converter and onnxruntime raise whatever they stumble over.
            raise self._failed(str(error) or type(error).__name__) from error
        if isinstance(recognizer, ArcFace) and _normalizes(original) != _normalizes(target):
            raise self._failed("InsightFace would no longer see how its pixels are normalized")
        shutil.copyfile(pack.detection.path, folder / pack.detection.path.name)
        return target

    def _publish(self, copy: Path) -> None:
        try:
            copy.rename(self.folder)
        except OSError as error:
            if self.folder.exists():
                raise PackExists(path=self.folder) from error
            raise

    def _failed(self, cause: str) -> QuantizationFailed:
        return QuantizationFailed(model=self._source, cause=cause)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    """One face at a time, as the recognizer takes them."""

    def __init__(self, recognizer: Recognizer, crops: Sequence[FaceCrop]) -> None:
        self._inputs: Iterator[dict[str, NDArray[Any]]] = (
            {recognizer.input_name: recognizer.blob([crop.pixels])} for crop in crops
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._inputs, None)


def _prepared(path: Path) -> onnx.ModelProto:
    """With an opset that can say what is to be said, and a name for every node."""
    model = opened(path)
    if opset_of(model) < SCALES_PER_CHANNEL_SINCE:
        model = version_converter.convert_version(model, SCALES_PER_CHANNEL_SINCE)
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node{index}"
    add_pre_process_metadata(model)
    return model


def _quantize(source: Path, target: Path, calibration: _Calibration) -> None:
    quantize_static(
        str(source),
        str(target),
        calibration,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        reduce_range=_cuts_sums_off(),
        op_types_to_quantize=QUANTIZED,
        nodes_to_exclude=_left_alone(opened(source)),
    )


def _cuts_sums_off() -> bool:
    """Whether onnxruntime adds two products of bytes in 16 bits here, where weights of 7 bits always fit."""
    return platform.machine() in ("x86_64", "AMD64") and multiplies_bytes() is False


def _left_alone(model: onnx.ModelProto) -> list[str]:
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    depthwise = [node.name for node in convolutions if whole_number(node, "group", 1) > 1]
    return [node.name for node in convolutions[:1]] + depthwise


def _normalizes(path: Path) -> bool:
    return scales_pixels(opened(path).graph)
