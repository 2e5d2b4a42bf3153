"""The engine whose weights anybody may use."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import thresholds
from service.domain.errors import GpuUnavailable, ModelUnavailable
from service.domain.face import Embedding, FaceCrop, Reason, Refusal
from service.domain.ports import FaceEngine
from service.domain.template import average, cosine_similarity
from service.engine.dlib import (
    SCORE_AT_ZERO,
    find_weights,
    import_dlib,
    margin_of,
    population_mean,
    score_of,
)
from service.engine.engines import load_engine
from tests.engine.photographs import Picture, blank, picture

INSTALLED = bool(find_spec("dlib") and find_spec("face_recognition_models"))
needs_dlib = pytest.mark.skipif(
    not INSTALLED and os.environ.get("CI") != "true", reason="the extra `dlib` is not installed"
)


@pytest.fixture(scope="module")
def dlib() -> FaceEngine:
    return load_engine("dlib", Path("unused"), detection_threshold=0.6, use_gpu=False)


@pytest.fixture(scope="module")
def embeddings(dlib: FaceEngine, people: dict[str, list[Path]]) -> dict[str, list[Embedding]]:
    """Of every photograph in which a face was found."""
    return {name: _embed(dlib, paths) for name, paths in people.items()}


def _embed(engine: FaceEngine, paths: list[Path]) -> list[Embedding]:
    seen = engine.detect([picture(path) for path in paths])
    crops = [one for one in seen if isinstance(one, FaceCrop)]
    return [face.embedding for face in engine.embed(crops)]


@needs_dlib
def test_it_is_named_by_its_recognition_weights(dlib: FaceEngine) -> None:
    assert dlib.model.name == "dlib"
    assert len(dlib.model.sha256) == 64


@needs_dlib
def test_its_128_numbers_are_padded_with_zeros(
    dlib: FaceEngine, embeddings: dict[str, list[Embedding]]
) -> None:
    everything = np.stack([one for several in embeddings.values() for one in several])
    assert dlib.dimensions == 128
    assert everything.shape[1] == 512
    assert not everything[:, 128:].any()


@needs_dlib
def test_its_embeddings_are_float32_of_norm_1(embeddings: dict[str, list[Embedding]]) -> None:
    everything = np.stack([one for several in embeddings.values() for one in several])
    assert everything.dtype == np.float32
    assert np.allclose(np.linalg.norm(everything, axis=1), 1.0, atol=1e-5)


@needs_dlib
def test_a_face_is_found_in_every_close_up(embeddings: dict[str, list[Embedding]]) -> None:
    assert {name: len(several) for name, several in embeddings.items()} == dict.fromkeys(
        embeddings, 5
    )


@needs_dlib
def test_groups_are_multiple_faces(dlib: FaceEngine, scenes: list[Path]) -> None:
    seen = dlib.detect([picture(path) for path in scenes])
    assert [getattr(one, "reason", None) for one in seen] == [Reason.MULTIPLE_FACES] * len(scenes)


@needs_dlib
def test_at_balanced_no_stranger_matches(embeddings: dict[str, list[Embedding]]) -> None:
    assert [pair for pair in _matches(embeddings) if pair[0] != pair[1]] == []


@needs_dlib
def test_at_balanced_at_most_one_of_sixteen_photographs_is_missed(
    embeddings: dict[str, list[Embedding]],
) -> None:
    assert len([pair for pair in _matches(embeddings) if pair[0] == pair[1]]) >= 15


@needs_dlib
def test_two_photographs_of_one_call_embed_as_two_calls_do(
    dlib: FaceEngine, people: dict[str, list[Path]], embeddings: dict[str, list[Embedding]]
) -> None:
    name, paths = next(iter(people.items()))
    assert np.allclose(_embed(dlib, paths[:1]), embeddings[name][:1], atol=1e-6)


@needs_dlib
@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (1, 5000), (5000, 1), (20, 20)])
def test_a_degenerate_picture_has_no_face(dlib: FaceEngine, shape: tuple[int, int]) -> None:
    assert dlib.detect([blank(*shape, value=255)]) == [Refusal(Reason.NO_FACE)]


@needs_dlib
def test_what_cannot_be_decoded_keeps_its_reason(dlib: FaceEngine) -> None:
    assert dlib.detect([Picture(Reason.UNREADABLE)]) == [Refusal(Reason.UNREADABLE)]


@needs_dlib
def test_a_large_photograph_is_cut_from_the_original(
    dlib: FaceEngine, people: dict[str, list[Path]]
) -> None:
    small = picture(next(iter(people.values()))[0]).pixels()
    assert isinstance(small, np.ndarray)
    wall = np.zeros((1500, 3000, 3), np.uint8)
    wall[600:1200, 1200:1800] = small.repeat(4, axis=0).repeat(4, axis=1)
    seen = dlib.detect([Picture(wall), Picture(small)])
    crops = [one for one in seen if isinstance(one, FaceCrop)]
    assert cosine_similarity(*(face.embedding for face in dlib.embed(crops))) > 0.8


@needs_dlib
def test_a_required_gpu_is_an_error_where_dlib_has_none() -> None:
    if import_dlib().DLIB_USE_CUDA:
        pytest.skip("this dlib was built for CUDA")
    with pytest.raises(GpuUnavailable):
        load_engine("dlib", Path("unused"), detection_threshold=0.6, use_gpu="required")


@needs_dlib
def test_a_fallback_to_the_cpu_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    if import_dlib().DLIB_USE_CUDA:
        pytest.skip("this dlib was built for CUDA")
    load_engine("dlib", Path("unused"), detection_threshold=0.6, use_gpu=True)
    assert [r.levelno for r in caplog.records if r.levelno >= logging.WARNING] == [logging.WARNING]


def test_missing_weights_say_how_to_install_them() -> None:
    with pytest.raises(ModelUnavailable) as refused:
        find_weights("face_recognition_models_that_nobody_has")
    assert "pip install '.[dlib]'" in str(refused.value.values["cause"])


def test_a_missing_dlib_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(ModelUnavailable) as refused:
        import_dlib()
    assert "pip install '.[dlib]'" in str(refused.value.values["cause"])


def test_the_population_mean_is_part_of_the_package() -> None:
    assert population_mean().shape == (128,)


def test_dlibs_own_threshold_is_the_services_default() -> None:
    assert score_of(0.0) == pytest.approx(SCORE_AT_ZERO)


@given(st.floats(0.01, 0.99))
def test_scores_and_margins_are_each_others_inverse(score: float) -> None:
    assert score_of(margin_of(score)) == pytest.approx(score)


@given(st.floats(-10.0, 10.0), st.floats(-10.0, 10.0))
def test_a_larger_margin_is_never_a_lower_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= score_of(low) <= score_of(high) <= 1.0


def _matches(embeddings: dict[str, list[Embedding]]) -> list[tuple[str, str]]:
    """Who is taken for whom: photographs 1 to 3 enrolled, 4 and 5 verified one by one."""
    threshold = thresholds.DLIB.profile(thresholds.BALANCED).threshold
    templates = {name: average(several[:3]) for name, several in embeddings.items()}
    return [
        (claimed, name)
        for claimed, template in templates.items()
        for name, several in embeddings.items()
        for probe in several[3:]
        if cosine_similarity(template, probe) >= threshold
    ]
