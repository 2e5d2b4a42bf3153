"""The files of the dlib engine, which come from PyPI under CC0."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain.errors import ModelUnavailable

DLIB = "dlib"
DESCRIPTOR_SIZE = 128
"""Numbers that dlib's ResNet gives for a face."""

_INSTALL = "install it with: pip install 'face-enrollment-service[dlib]'"
_MEAN_FILE = "dlib_population_mean.json"


@dataclass(frozen=True, slots=True)
class DlibWeights:
    """`landmarks`: dlib's five points. Its 68 points are left alone: not free for companies."""

    landmarks: Path
    recognition: Path


def import_dlib() -> Any:  # noqa: ANN401 - dlib has no types
    """Raises `ModelUnavailable`."""
    try:
        import dlib
    except ImportError as error:
        cause = f"dlib is not installed or cannot be loaded ({error}); {_INSTALL}"
        raise ModelUnavailable(model=DLIB, path="site-packages", cause=cause) from error
    return dlib


def find_weights(package: str = "face_recognition_models") -> DlibWeights:
    """Locate the weights without importing their package, which needs the retired pkg_resources.

    Raises `ModelUnavailable`.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        cause = f"{package} is not installed; {_INSTALL}"
        raise ModelUnavailable(model=DLIB, path="site-packages", cause=cause)
    folder = Path(spec.origin).parent / "models"
    return DlibWeights(
        _existing(folder / "shape_predictor_5_face_landmarks.dat"),
        _existing(folder / "dlib_face_recognition_resnet_model_v1.dat"),
    )


def population_mean() -> NDArray[np.float64]:
    """(128,): the descriptor of nobody in particular; `scripts/calibrate.py` writes it."""
    text = resources.files("service.engine").joinpath(_MEAN_FILE).read_text(encoding="utf-8")
    return np.asarray(json.loads(text)["mean"], dtype=np.float64)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelUnavailable(model=DLIB, path=path, cause=f"the file is missing; {_INSTALL}")
    return path
