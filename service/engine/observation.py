"""A frame of a liveness session is observed where its pixels are: in the engine's worker, which decodes it once."""

from __future__ import annotations

from service.domain.face import Box, Image, Observation
from service.domain.ports import LivenessModels
from service.engine.frame_features import frame_features


class LivenessObserver:
    """Implements `FrameObserver`."""

    def __init__(self, models: LivenessModels | None) -> None:
        """`models`: of the passive check; None: it is not asked."""
        self._models = models

    def __call__(self, image: Image, box: Box) -> Observation:
        passive = None if self._models is None else self._models.score(image, box)
        return Observation(passive, frame_features(image, box))
