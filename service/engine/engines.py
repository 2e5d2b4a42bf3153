"""The one way to an engine: by the name of its model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from service.domain.errors import GpuUnavailable
from service.engine.dlib import DlibEngine, find_weights, population_mean
from service.engine.finder import FaceFinder
from service.engine.licenses import DLIB, license_of
from service.engine.models import load_yunet
from service.engine.pack_engine import PackEngine
from service.engine.packs import find_pack, installed_yunet
from service.engine.pool import WorkerPool
from service.engine.providers import (
    CPU,
    DIRECTML,
    UseGpu,
    choose_providers,
    installed_runtimes,
    require_one_runtime,
)
from service.onnx_runtime import onnxruntime

logger = logging.getLogger(__name__)


def load_engine(
    model_name: str,
    model_root: Path,
    *,
    detection_threshold: float,
    use_gpu: UseGpu = True,
    use_directml: bool = False,
    pool: WorkerPool | None = None,
) -> PackEngine | DlibEngine:
    """The engine of the pack `<model_root>/models/<model_name>/`, or of dlib, ready to run.

    `pool`: the workers; None: one per core. Raises `ModelUnavailable`, `GpuUnavailable`,
    `ConflictingRuntimes`.
    """
    if model_name == DLIB:
        return _load_dlib(model_root, detection_threshold, use_gpu, pool)
    return _load_pack(model_name, model_root, detection_threshold, use_gpu, use_directml, pool)


def _load_pack(
    name: str,
    root: Path,
    threshold: float,
    use_gpu: UseGpu,
    use_directml: bool,
    pool: WorkerPool | None,
) -> PackEngine:
    require_one_runtime(installed_runtimes())
    choice = choose_providers(use_gpu, use_directml, onnxruntime.get_available_providers())
    pack = find_pack(name, root)
    logger.info("Model %s. %s", pack.model.model_id, license_of(name).notice)
    # DirectML does not run one session from several threads.
    workers = pool or WorkerPool(workers=1 if DIRECTML in choice.offered else None)
    engine = PackEngine(pack, threshold, choice.offered, workers)
    choice.settle(engine.providers)
    return engine


def _load_dlib(
    root: Path, threshold: float, use_gpu: UseGpu, pool: WorkerPool | None
) -> DlibEngine:
    workers, yunet = pool or WorkerPool(), installed_yunet(root)
    finder = None if yunet is None else FaceFinder(load_yunet(yunet, [CPU], DLIB))
    engine = DlibEngine(find_weights(), population_mean(), threshold, workers, finder)
    logger.info("Model %s. %s", engine.model.model_id, license_of(DLIB).notice)
    logger.info("Faces are found by %s", "HOG" if yunet is None else f"YuNet (MIT), {yunet}")
    _report_dlib(use_gpu, engine.providers)
    return engine


def _report_dlib(use_gpu: UseGpu, providers: Sequence[str]) -> None:
    """dlib runs where it was built to run: nothing is chosen, but a fallback is still said."""
    obtained = ", ".join(providers)
    if use_gpu and len(providers) == 1:
        if use_gpu == "required":
            raise GpuUnavailable(available=obtained)
        logger.warning("Execution providers: asked for CUDA; this dlib was built for %s", obtained)
    else:
        logger.info("Execution providers: obtained %s", obtained)
