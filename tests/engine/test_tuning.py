"""A rewritten graph gives the numbers of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from service.engine.tuning import tuned
from service.onnx_runtime import onnxruntime
from tests.engine.onnx_models import write_pack

Numbers = NDArray[np.float32]

RECOGNIZER, DETECTOR = "w_mobilefacenet.onnx", "det_500m.onnx"


def answers(model: Path | bytes, given: Numbers) -> list[Numbers]:
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    return [np.asarray(one) for one in session.run(None, {session.get_inputs()[0].name: given})]


def random(*shape: int) -> Numbers:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def operators(model: Path | bytes) -> list[str]:
    assert isinstance(model, bytes)
    return [node.op_type for node in onnx.load_model_from_string(model).graph.node]


def write_siblings(path: Path, opset: int, widths: tuple[int, ...]) -> Path:
    """Convolutions of one picture, one output each."""
    nodes, weights, outputs = [], [], []
    for index, width in enumerate(widths):
        nodes.append(helper.make_node("Conv", ["x", f"w{index}", f"b{index}"], [f"y{index}"]))
        weights += [
            numpy_helper.from_array(random(width, 3, 3, 3), f"w{index}"),
            numpy_helper.from_array(random(width), f"b{index}"),
        ]
        shape = [1, width, None, None]
        outputs.append(helper.make_tensor_value_info(f"y{index}", TensorProto.FLOAT, shape))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "height", "width"])
    graph = helper.make_graph(nodes, "siblings", [x], outputs, weights)
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def test_a_real_recognizer_has_no_prelu_any_more_and_the_same_embeddings(model_root: Path) -> None:
    path = model_root / "models" / "mobile_s" / RECOGNIZER
    faces = random(2, 3, 112, 112)
    assert "PRelu" not in operators(tuned(path))
    (ours,), (theirs,) = answers(tuned(path), faces), answers(path, faces)
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_a_real_detector_answers_bit_by_bit_the_same(model_root: Path) -> None:
    path = model_root / "models" / "mobile_s" / DETECTOR
    picture = random(1, 3, 160, 128)
    ours, theirs = answers(tuned(path), picture), answers(path, picture)
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def write_prelu(path: Path, slopes: tuple[float, ...], reader: str) -> Path:
    """`reader`: what a PRelu of channels with these slopes is read by; "" where it is the graph's output."""
    channels = len(slopes)
    nodes = [helper.make_node("PRelu", ["x", "slopes"], ["p"])]
    weights = [numpy_helper.from_array(np.asarray(slopes, np.float32).reshape(-1, 1, 1), "slopes")]
    for number, groups in enumerate(
        {"all": [1], "each": [channels], "both": [1, channels]}.get(reader, [])
    ):
        shape = (channels, channels // groups, 3, 3)
        weights.append(numpy_helper.from_array(random(*shape), f"w{number}"))
        nodes.append(helper.make_node("Conv", ["p", f"w{number}"], [f"y{number}"], group=groups))
    if reader == "sum":
        nodes.append(helper.make_node("Add", ["p", "x"], ["y0"]))
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in ([node.output[0] for node in nodes[1:]] or ["p"])
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, 8, 8])
    graph = helper.make_graph(nodes, "prelu", [x], outputs, weights)
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


@pytest.mark.parametrize("reader", ["", "all", "each", "both", "sum"])
@pytest.mark.parametrize("slopes", [(0.25, -1.5, 1.0, 0.0), (0.5, 2.0, -3.0, 1.25)])
def test_prelu_is_written_otherwise(tmp_path: Path, slopes: tuple[float, ...], reader: str) -> None:
    path = write_prelu(tmp_path / "prelu.onnx", slopes, reader)
    picture = random(1, 4, 8, 8)
    assert "PRelu" not in operators(tuned(path))
    ours, theirs = answers(tuned(path), picture), answers(path, picture)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("slope", [float("nan"), float("inf"), -1e30, 1e6])
def test_prelu_of_slopes_that_no_sum_tells_is_left_alone(tmp_path: Path, slope: float) -> None:
    path = write_prelu(tmp_path / "prelu.onnx", (0.25, slope, 0.5, 2.0), "all")
    assert tuned(path) == path


def test_prelu_of_one_slope_for_all_channels_is_left_alone(tmp_path: Path) -> None:
    path = write_prelu(tmp_path / "prelu.onnx", (0.25,), "")
    model = onnx.load_model(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64
    onnx.save(model, str(path))
    assert tuned(path) == path


def test_weights_that_an_older_file_calls_inputs_are_dropped_as_both(tmp_path: Path) -> None:
    path = write_prelu(tmp_path / "prelu.onnx", (0.25, 0.5, 1.0, 2.0), "all")
    model = onnx.load_model(str(path))
    for one in model.graph.initializer:
        about = helper.make_tensor_value_info(one.name, one.data_type, one.dims)
        model.graph.input.append(about)
    onnx.save(model, str(path))
    assert "PRelu" not in operators(tuned(path))
    picture = random(1, 4, 8, 8)
    [ours], [theirs] = answers(tuned(path), picture), answers(path, picture)
    assert np.allclose(ours, theirs, atol=1e-5)


def test_graphs_within_a_graph_are_left_alone(tmp_path: Path) -> None:
    path = write_prelu(tmp_path / "prelu.onnx", (0.25, 0.5), "all")
    model = onnx.load_model(str(path))
    inner = helper.make_node("Identity", ["slopes"], ["inner"])
    result = helper.make_tensor_value_info("inner", TensorProto.FLOAT, [2, 1, 1])
    branch = helper.make_graph([inner], "branch", [], [result])
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(True), "yes"))
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch)
    )
    model.graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None))
    onnx.save(model, str(path))
    assert tuned(path) == path


def test_outputs_keep_their_names_and_order(model_root: Path) -> None:
    path = model_root / "models" / "mobile_s" / DETECTOR
    new = tuned(path)
    assert isinstance(new, bytes)
    before, after = onnx.load_model(str(path)), onnx.load_model_from_string(new)
    assert list(after.graph.output) == list(before.graph.output)


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_sibling_convolutions_become_one_in_every_opset(tmp_path: Path, opset: int) -> None:
    path = write_siblings(tmp_path / "siblings.onnx", opset, (2, 8, 20))
    picture = random(1, 3, 16, 16)
    assert operators(tuned(path)) == ["Conv", "Split"]
    ours, theirs = answers(tuned(path), picture), answers(path, picture)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(ours, theirs, strict=True))


def test_two_siblings_become_one(tmp_path: Path) -> None:
    path = write_siblings(tmp_path / "siblings.onnx", 13, (2, 8))
    assert operators(tuned(path)) == ["Conv", "Split"]


def test_siblings_of_whole_blocks_are_left_alone(tmp_path: Path) -> None:
    path = write_siblings(tmp_path / "siblings.onnx", 13, (16, 32))
    assert tuned(path) == path


def test_a_graph_with_nothing_to_gain_is_given_as_the_file_it_is(tmp_path: Path) -> None:
    path = write_pack(tmp_path) / "w_tiny.onnx"
    assert tuned(path) == path
