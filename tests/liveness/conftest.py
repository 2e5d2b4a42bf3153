"""The real detector and recognizer, and whom they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.domain.ports import FaceEngine
from service.engine.engines import load_engine
from tests.liveness.portrait import FRONTAL, Portrait, portrait


@pytest.fixture(scope="session")
def engine(model_root: Path) -> FaceEngine:
    return load_engine("mobile_s", model_root, detection_threshold=0.6, use_gpu=False)


@pytest.fixture(scope="session")
def frontal(engine: FaceEngine, people: dict[str, list[Path]]) -> dict[str, Portrait]:
    """Of each person the photograph that shows the face most from the front."""
    return {name: portrait(people[name][FRONTAL[name] - 1], engine) for name in people}
