"""Engines that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.domain.ports import FaceEngine
from service.engine.engines import load_engine
from service.engine.pack_engine import PackEngine
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_pack


@pytest.fixture(scope="session")
def real(model_root: Path) -> FaceEngine:
    """The real small pack, at the service's default threshold."""
    return load_engine("mobile_s", model_root, detection_threshold=0.6, use_gpu=False)


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model root that holds one generated pack, `tiny`."""
    root = tmp_path_factory.mktemp("root")
    write_pack(root / "models" / "tiny")
    return root


@pytest.fixture(scope="session")
def tiny(tiny_root: Path) -> PackEngine:
    return engine_of("tiny", tiny_root)
