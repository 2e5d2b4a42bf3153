"""PRelu between convolutions of 8 bits stays in 8 bits, and answers as it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from service.engine.tuning import tuned
from tests.engine.test_tuning import answers, operators

CHANNELS = 16


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        self._left: Iterator[NDArray[np.float32]] = iter([pictures(seed) for seed in range(4)])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        given = next(self._left, None)
        return None if given is None else {"x": given}


def pictures(seed: int) -> NDArray[np.float32]:
    shape = (2, CHANNELS, 12, 12)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write_quantized(folder: Path, slopes: NDArray[np.float32]) -> Path:
    """Two convolutions of 8 bits with a PRelu between them, as onnxruntime's quantizer writes them."""
    random = np.random.default_rng(7)
    weights = {
        name: random.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32) for name in "vw"
    }
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["a"], name="first", pads=[1] * 4),
        helper.make_node("PRelu", ["a", "slopes"], ["b"], name="prelu"),
        helper.make_node("Conv", ["b", "w"], ["y"], name="second", pads=[1] * 4),
    ]
    shape: list[str | int | None] = ["N", CHANNELS, 12, 12]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    constants.append(numpy_helper.from_array(slopes.reshape(-1, 1, 1), "slopes"))
    graph = helper.make_graph(nodes, "prelu", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 13)]
    source, target = folder / "numbers.onnx", folder / "codes.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(source))
    quantize_static(
        str(source),
        str(target),
        Pictures(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def slopes(lowest: float, highest: float) -> NDArray[np.float32]:
    return np.linspace(lowest, highest, CHANNELS, dtype=np.float32)


@pytest.mark.parametrize(("lowest", "highest"), [(0.0, 0.5), (-0.3, 1.0), (0.0, 0.0), (-0.5, -0.1)])
def test_it_answers_as_with_numbers(tmp_path: Path, lowest: float, highest: float) -> None:
    model = write_quantized(tmp_path, slopes(lowest, highest))
    rewritten = tuned(model)
    assert "PRelu" not in operators(rewritten)
    assert operators(rewritten).count("QLinearMul") == 2
    [ours], [theirs] = answers(rewritten, pictures(9)), answers(model, pictures(9))
    assert np.abs(ours - theirs).mean() < 0.005 * np.abs(theirs).max()


@pytest.mark.parametrize(("lowest", "highest"), [(0.0, 1.1), (-15.0, 1.0)])
def test_slopes_that_codes_cannot_tell_are_computed_with_numbers(
    tmp_path: Path, lowest: float, highest: float
) -> None:
    model = write_quantized(tmp_path, slopes(lowest, highest))
    assert "QLinearMul" not in operators(tuned(model))
    [ours], [theirs] = answers(tuned(model), pictures(9)), answers(model, pictures(9))
    assert np.abs(ours - theirs).mean() < 0.005 * np.abs(theirs).max()
