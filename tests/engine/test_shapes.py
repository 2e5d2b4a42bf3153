"""Where every shape has a session of its own, and every batch one of a few sizes.

Real sessions, on the CPU: what CUDA makes of them was measured (decision 6).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.face import FaceCrop
from service.engine.pack_engine import PackEngine
from service.engine.packs import find_pack
from service.engine.pool import WorkerPool
from service.engine.providers import CPU, CUDA
from service.engine.sessions import BATCH_SIZES, SessionPerShape, features_by_size, in_batch_sizes
from service.onnx_runtime import onnxruntime
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_recognizer
from tests.engine.photographs import picture

CALLERS = 8


class Maker:
    """Sessions of one model, counted."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.made = 0

    def __call__(self) -> onnxruntime.InferenceSession:
        self.made += 1
        return onnxruntime.InferenceSession(self._path, providers=[CPU])


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    write_recognizer(tmp_path / "w.onnx")
    return Maker(tmp_path / "w.onnx")


def _faces(number: int) -> np.ndarray:
    return np.random.default_rng(number).random((number, 3, 112, 112), np.float32)


def test_a_shape_is_run_by_the_session_that_ran_it_before(maker: Maker) -> None:
    session = SessionPerShape(maker(), maker)
    for number in (1, 4, 1, 4, 16, 1):
        session.run(["embedding"], {"face": _faces(number)})
    assert maker.made == 3


def test_the_answers_are_those_of_one_session(maker: Maker) -> None:
    single = maker()
    session = SessionPerShape(maker(), maker)
    for number in (1, 4, 1):
        inputs = {"face": _faces(number)}
        [ours] = session.run(["embedding"], inputs)
        [expected] = single.run(["embedding"], inputs)
        assert np.array_equal(ours, expected)


def test_callers_that_want_a_new_shape_at_once_share_its_session(maker: Maker) -> None:
    session = SessionPerShape(maker(), maker)
    with ThreadPoolExecutor(CALLERS) as callers:
        runs = [
            callers.submit(session.run, ["embedding"], {"face": _faces(number)})
            for number in (1, 4) * CALLERS
        ]
    assert {run.result()[0].shape for run in runs} == {(1, 512), (4, 512)}
    assert maker.made == 2


def test_it_runs_where_its_sessions_run(maker: Maker) -> None:
    assert SessionPerShape(maker(), maker).get_providers() == [CPU]


class OnAGpu:
    """A session of the CPU that says it runs on CUDA."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.run = session.run

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]


def test_no_shape_runs_elsewhere_in_silence(maker: Maker) -> None:
    """As where the first session leaves the GPU no room for a second one."""
    first: Any = OnAGpu(maker())
    session = SessionPerShape(first, maker)
    session.run(["embedding"], {"face": _faces(1)})
    with pytest.raises(RuntimeError, match=CPU):
        session.run(["embedding"], {"face": _faces(4)})


@given(st.lists(st.integers(), max_size=3 * BATCH_SIZES[-1]))
def test_batches_have_the_few_sizes_and_hold_every_item_once(items: list[int]) -> None:
    batches = list(in_batch_sizes(items))
    assert all(len(batch) in BATCH_SIZES for batch, _ in batches)
    assert [item for batch, count in batches for item in batch[:count]] == items


@given(st.integers(1, BATCH_SIZES[-1]))
def test_no_smaller_size_would_have_done(number: int) -> None:
    [(batch, count)] = in_batch_sizes([0] * number)
    assert count == number
    assert len(batch) == min(size for size in BATCH_SIZES if size >= number)


@pytest.mark.parametrize("number", [1, 3, 4, 17])
def test_filled_up_batches_give_the_same_features(tiny: PackEngine, number: int) -> None:
    pixels = list(np.random.default_rng(number).integers(0, 256, (number, 112, 112, 3), np.uint8))
    sizes: list[int] = []

    def features(batch: list[Any]) -> np.ndarray:
        sizes.append(len(batch))
        return tiny._features(batch)

    assert np.allclose(features_by_size(features, pixels), tiny._features(pixels), rtol=1e-5)
    assert set(sizes) <= set(BATCH_SIZES)


@pytest.mark.filterwarnings("ignore:Specified provider:UserWarning")
def test_a_gpu_that_does_not_start_leaves_the_cpus_own_way(
    model_root: Path, people: dict[str, list[Path]]
) -> None:
    """With the graphs that are written for the CPU: the embeddings are its to the last bit."""
    asked = PackEngine(find_pack("mobile_s", model_root), 0.6, [CUDA, CPU], WorkerPool(1))
    ours = engine_of("mobile_s", model_root)
    assert asked.providers == (CPU,)
    crop = ours.detect([picture(next(iter(people.values()))[0])])[0]
    assert isinstance(crop, FaceCrop)
    assert np.array_equal(asked.embed([crop])[0].embedding, ours.embed([crop])[0].embedding)
