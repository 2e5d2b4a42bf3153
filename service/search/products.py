"""Inner products of 8-bit numbers, exact, at several hundred thousand million operations a second.

onnxruntime's kernel for quantised networks multiplies bytes as the processor does best, about 700
GOPS on one core with VNNI; numpy has none. A processor without VNNI adds two products in 16 bits
first, and cuts off what is larger: so probes have 7 bits, and 2 x 255 x 64 fits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from service.domain.face import EMBEDDING_SIZE
from service.onnx_runtime import onnxruntime

MIDDLE = 128
"""What stands for zero in a row's code."""

MOST_OF_A_PROBE = 64
"""The largest number in a probe's code, of either sign."""

Products: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.int8]], NDArray[np.int32]]
"""Of rows (n, 512), less `MIDDLE` each, and probes (512, m): (n, m). Any number of threads may ask."""


@cache
def products() -> Products:
    """Made when first asked for: it takes milliseconds. Runs in the thread that calls it."""
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
    serialised: bytes = model.SerializeToString()
    return serialised
