"""Where a model runs: what was asked for, what there is, what was obtained."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, TypeAlias

from service.domain.errors import ConflictingRuntimes, GpuUnavailable

logger = logging.getLogger(__name__)

UseGpu: TypeAlias = bool | Literal["required"]

CUDA = "CUDAExecutionProvider"
DIRECTML = "DmlExecutionProvider"
CPU = "CPUExecutionProvider"

RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml")
"""Distributions that all install the Python package `onnxruntime`, over each other's files."""


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """`asked`: in order of preference. `offered`: those of them that the runtime has, and the CPU."""

    asked: tuple[str, ...]
    offered: tuple[str, ...]
    gpu_required: bool

    def settle(self, obtained: Sequence[str]) -> tuple[str, ...]:
        """Hold what a session really runs on against the choice, and log it once.

        A runtime that has CUDA may still fail to start it, and then quietly takes the CPU.
        Raises `GpuUnavailable` where a GPU was required and is not among `obtained`.
        """
        used = tuple(obtained)
        if self.gpu_required and not set(used) & {CUDA, DIRECTML}:
            raise GpuUnavailable(available=", ".join(used))
        asked, got = ", ".join(self.asked), ", ".join(used)
        if used[:1] == self.asked[:1]:
            logger.info("Execution providers: asked for %s; obtained %s", asked, got)
        else:
            logger.warning("Execution providers: asked for %s; fell back to %s", asked, got)
        return used


def choose_providers(
    use_gpu: UseGpu, use_directml: bool, available: Sequence[str]
) -> ProviderChoice:
    """CUDA, then DirectML, then the CPU: those asked for, and those also `available`.

    Raises `GpuUnavailable` where a GPU is required and none that was asked for is there.
    """
    wanted = ((CUDA, bool(use_gpu)), (DIRECTML, use_directml), (CPU, True))
    asked = tuple(provider for provider, is_wanted in wanted if is_wanted)
    offered = tuple(provider for provider in asked if provider in {*available, CPU})
    required = use_gpu == "required"
    if required and not set(offered) - {CPU}:
        raise GpuUnavailable(available=", ".join(available))
    return ProviderChoice(asked, offered, required)


def installed_runtimes(version: Callable[[str], str] = metadata.version) -> tuple[str, ...]:
    """The onnxruntime distributions of this environment; `version` as `importlib.metadata`'s."""
    return tuple(name for name in RUNTIMES if _is_installed(name, version))


def require_one_runtime(runtimes: Sequence[str]) -> None:
    """Raises `ConflictingRuntimes`: with two of them, whichever came last wins, file by file."""
    if len(runtimes) > 1:
        raise ConflictingRuntimes(runtimes=", ".join(runtimes))


def _is_installed(name: str, version: Callable[[str], str]) -> bool:
    try:
        version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
