"""Three ways from folders of photographs to one embedding for each person."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np

from scripts.bench.setup import Setup
from service.domain.errors import Overloaded
from service.domain.face import Embedding
from service.domain.template import average

FaceAnalysis: TypeAlias = Any
"""InsightFace's class, which has no types."""


class Embedder(Protocol):
    def __call__(self, people: Sequence[Path]) -> list[Embedding]:
        """The mean embedding of each folder's photographs, in order."""
        ...


class ThisLibrary:
    """The service's own Python API: one shared model, called from `callers` threads."""

    def __init__(self, setup: Setup, callers: int) -> None:
        from service.library import encoder_manager

        self._config = setup.config()
        encoder_manager.get_encoder(self._config)
        self._callers = ThreadPoolExecutor(callers)

    def __call__(self, people: Sequence[Path]) -> list[Embedding]:
        return list(self._callers.map(self._token, people))

    def _token(self, person: Path) -> Embedding:
        from service.library import generate_token_from_directory

        count = len(list(person.iterdir()))
        while True:
            try:
                token = generate_token_from_directory(person, count, self._config)
                return np.asarray(token, np.float32)
            except Overloaded as refused:  # by a machine that others keep busy; nothing was done
                time.sleep(refused.retry_after)


class Documented:
    """InsightFace as its README shows it: `FaceAnalysis()`, `prepare()`, one image after the other.

    Of its default arguments only the model's name and folder are others, the ones all use here.
    """

    def __init__(self, setup: Setup) -> None:
        self._app = face_analysis(setup)

    def __call__(self, people: Sequence[Path]) -> list[Embedding]:
        return [token_of(self._app, person) for person in people]


class OnePerThread:
    """The loop that every thread runs for itself, with a `FaceAnalysis` of its own."""

    def __init__(self, setup: Setup, callers: int) -> None:
        self._setup = setup
        self._own = threading.local()
        self._callers = ThreadPoolExecutor(callers, initializer=self._load)

    def __call__(self, people: Sequence[Path]) -> list[Embedding]:
        return list(self._callers.map(lambda person: token_of(self._own.app, person), people))

    def _load(self) -> None:
        self._own.app = face_analysis(self._setup)


def face_analysis(setup: Setup) -> FaceAnalysis:
    """InsightFace's own, ready."""
    from insightface import app as insightface_app

    # scikit-image 0.26 deprecates a method that InsightFace 2.1 calls for every face.
    warnings.filterwarnings(
        "ignore", r"`estimate` is deprecated", FutureWarning, r"insightface\.utils\.face_align"
    )
    app = insightface_app.FaceAnalysis(name=setup.model_name, root=str(setup.model_root))
    app.prepare()
    return app


def token_of(app: FaceAnalysis, person: Path) -> Embedding:
    faces = [app.get(cv2.imread(str(file))) for file in sorted(person.iterdir())]
    return average([found[0].normed_embedding for found in faces if len(found) == 1])
