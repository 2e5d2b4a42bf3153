"""CUDA, then DirectML, then the CPU, and nothing falls back in silence."""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ConflictingRuntimes, GpuUnavailable
from service.engine.providers import (
    CPU,
    CUDA,
    DIRECTML,
    UseGpu,
    choose_providers,
    installed_runtimes,
    require_one_runtime,
)

EVERYTHING = (CPU, DIRECTML, CUDA)


@pytest.mark.parametrize(
    ("use_gpu", "use_directml", "available", "offered"),
    [
        (True, False, EVERYTHING, (CUDA, CPU)),
        (True, True, EVERYTHING, (CUDA, DIRECTML, CPU)),
        (True, True, (CPU, DIRECTML), (DIRECTML, CPU)),
        (False, True, EVERYTHING, (DIRECTML, CPU)),
        (False, False, EVERYTHING, (CPU,)),
        (True, False, (CPU,), (CPU,)),
        ("required", False, EVERYTHING, (CUDA, CPU)),
        ("required", True, (CPU, DIRECTML), (DIRECTML, CPU)),
    ],
)
def test_what_was_asked_for_and_is_there_is_offered_in_order(
    use_gpu: UseGpu, use_directml: bool, available: tuple[str, ...], offered: tuple[str, ...]
) -> None:
    assert choose_providers(use_gpu, use_directml, available).offered == offered


def test_a_required_gpu_that_is_missing_is_an_error_that_names_what_is_there() -> None:
    with pytest.raises(GpuUnavailable) as refused:
        choose_providers("required", False, ["AzureExecutionProvider", CPU])
    assert refused.value.values["available"] == f"AzureExecutionProvider, {CPU}"


def test_a_required_gpu_that_does_not_start_is_an_error() -> None:
    choice = choose_providers("required", False, EVERYTHING)
    with pytest.raises(GpuUnavailable):
        choice.settle([CPU])


def test_a_fallback_is_one_warning_that_names_both(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "service.engine"):
        choose_providers(True, False, [CPU]).settle([CPU])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"asked for {CUDA}, {CPU}; fell back to {CPU}" in caplog.text


def test_a_gpu_that_the_runtime_has_but_cannot_start_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    choose_providers(True, False, EVERYTHING).settle([CPU])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_was_asked_for_and_obtained_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "service.engine"):
        choose_providers(True, False, EVERYTHING).settle([CUDA, CPU])
    assert [record.levelname for record in caplog.records] == ["INFO"]


@given(st.sampled_from([True, False]), st.booleans(), st.lists(st.sampled_from(EVERYTHING)))
def test_the_cpu_is_always_the_last_resort(
    use_gpu: bool, use_directml: bool, available: list[str]
) -> None:
    assert choose_providers(use_gpu, use_directml, available).offered[-1] == CPU


def test_installed_runtimes_are_found_by_distribution() -> None:
    def version(name: str) -> str:
        if name == "onnxruntime-directml":
            raise PackageNotFoundError(name)
        return "1.32.0"

    assert installed_runtimes(version) == ("onnxruntime", "onnxruntime-gpu")


def test_two_runtimes_conflict() -> None:
    with pytest.raises(ConflictingRuntimes) as refused:
        require_one_runtime(["onnxruntime", "onnxruntime-gpu"])
    assert refused.value.values["runtimes"] == "onnxruntime, onnxruntime-gpu"


def test_one_runtime_is_well() -> None:
    require_one_runtime(["onnxruntime-gpu"])


def test_this_environment_has_exactly_one_runtime() -> None:
    assert len(installed_runtimes()) == 1
