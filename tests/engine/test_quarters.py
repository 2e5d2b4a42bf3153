"""Convolutions of 3 x 3 cost fewer multiplications, wherever that pays, and give the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from scripts.bench.iresnet import IResNet
from scripts.bench.random_layers import RandomLayers
from service.engine import quarters
from service.engine.graphs import opened, whole_numbers
from service.engine.tuning import tuned
from tests.engine.test_tuning import answers, random

Layers = Callable[[RandomLayers, str], str]

WIDTH = quarters.LEAST_CHANNELS
SAME = (WIDTH, WIDTH)


@pytest.fixture(autouse=True)
def on_any_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are the same where this does not pay."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def direct(model: Path | bytes) -> int:
    """Convolutions of 3 x 3 and stride 1 that are left."""
    convolutions = (node for node in opened(model).graph.node if node.op_type == "Conv")
    return sum(
        whole_numbers(node, "kernel_shape", ()) == (3, 3)
        and whole_numbers(node, "strides", (1, 1)) == (1, 1)
        for node in convolutions
    )


def written(path: Path, layers: Layers, side: int | str = 12) -> Path:
    """`layers`: what they make of a map of `WIDTH` channels, drawn into the given ones."""
    drawn = RandomLayers(0)
    result = layers(drawn, "x")
    shape: list[int | str | None] = ["N", WIDTH, side, side]
    graph = helper.make_graph(
        drawn.nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
        drawn.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def block(layers: RandomLayers, source: str) -> str:
    """As ArcFace's networks have it, the next stage's first halving convolution after it."""
    x = layers.prelu(layers.conv(layers.norm(source, WIDTH), SAME), WIDTH)
    x = layers.node("Add", [layers.conv(x, SAME), source])
    return layers.conv(layers.node("Relu", [x]), (WIDTH, 8), stride=2)


def shortcut(layers: RandomLayers, source: str) -> str:
    """A map that is halved twice, by 3 x 3 weights and by picking every second value."""
    x = layers.conv(source, SAME)
    picked = layers.conv(x, (WIDTH, 8), kernel=1, stride=2)
    return layers.node("Add", [layers.conv(x, (WIDTH, 8), stride=2), picked])


def unread(layers: RandomLayers, source: str) -> str:
    return layers.conv(source, SAME)


def pooled(layers: RandomLayers, source: str) -> str:
    """Read by what needs neighbors."""
    x = layers.conv(source, SAME)
    pool = layers.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    return layers.node("Add", [layers.conv(x, SAME, stride=2), pool])


def narrow(layers: RandomLayers, source: str) -> str:
    return layers.conv(layers.conv(source, (WIDTH, WIDTH - 16)), (WIDTH - 16, 8), stride=2)


def broadcast(layers: RandomLayers, source: str) -> str:
    """One number for each row is added: a quarter has not all of them."""
    rows = layers.constant(random(1, 1, 12, 1))
    x = layers.node("Add", [layers.conv(source, SAME), rows])
    return layers.conv(x, (WIDTH, 8), stride=2)


def beside_a_constant(layers: RandomLayers, source: str) -> str:
    """As PyTorch writes the shape of a view: by a node that reads nothing."""
    shape = numpy_helper.from_array(np.asarray([0, -1], np.int64))
    return layers.node("Reshape", [block(layers, source), layers.node("Constant", [], value=shape)])


def scaled_by_constants(layers: RandomLayers, source: str) -> str:
    """Its normalization's numbers are no weights, but results of nodes."""
    ones = numpy_helper.from_array(np.ones(WIDTH, np.float32))
    scales = [layers.node("Constant", [], value=ones) for _ in range(4)]
    normal = layers.node("BatchNormalization", [layers.conv(source, SAME), *scales])
    return layers.node("Add", [shortcut(layers, source), layers.conv(normal, (WIDTH, 8), stride=2)])


@pytest.mark.parametrize("layers", [block, shortcut, beside_a_constant])
def test_numbers_are_the_same(tmp_path: Path, layers: Layers) -> None:
    path = written(tmp_path / "layers.onnx", layers)
    new, given = tuned(path), random(2, WIDTH, 12, 12)
    assert direct(path) > direct(new) == 0
    [ours], [theirs] = answers(new, given), answers(path, given)
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_what_is_normalized_by_results_stays_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "layers.onnx", scaled_by_constants)
    new, given = tuned(path), random(2, WIDTH, 12, 12)
    [expected], [ours] = answers(path, given), answers(new, given)
    assert np.abs(ours - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("layers", [unread, pooled, narrow, broadcast])
def test_maps_that_must_be_whole_stay_whole(tmp_path: Path, layers: Layers) -> None:
    path = written(tmp_path / "layers.onnx", layers)
    assert tuned(path) == path


@pytest.mark.parametrize("side", [7, "any"])
def test_maps_that_have_no_quarters_stay_whole(tmp_path: Path, side: int | str) -> None:
    path = written(tmp_path / "layers.onnx", shortcut, side)
    assert tuned(path) == path


def test_nothing_is_drawn_for_a_processor_on_which_nobody_has_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    path = written(tmp_path / "layers.onnx", shortcut)
    assert tuned(path) == path


def test_a_recognizer_of_the_default_architecture_gives_the_same_embeddings(tmp_path: Path) -> None:
    path = tmp_path / "iresnet.onnx"
    network = IResNet(blocks=(2, 2, 2, 1), channels=(64, 64, 64, 64))
    onnx.save(network.model(seed=1), str(path))
    new, faces = tuned(path), random(2, 3, 112, 112)
    assert direct(path) - direct(new) == 10
    [ours], [theirs] = answers(new, faces), answers(path, faces)
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()
