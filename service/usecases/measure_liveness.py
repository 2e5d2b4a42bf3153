"""How often the passive liveness check errs on the operator's own pictures of faces and of attacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.domain.errors import TooFewPresentations
from service.domain.face import FaceCrop, Faces, ImageFiles, Photograph, Reason, Refusal
from service.domain.passive_liveness import NoSignal, Presentation
from service.domain.ports import Capture, FaceEngine, LivenessModels
from service.domain.presentation_attack import (
    LEAST_PRESENTATIONS,
    Answer,
    Measured,
    measured,
)
from service.domain.quality import QualityLimits, judged


class MeasureLiveness:
    """`limits`: the gate that every photograph passes before anything is said of it."""

    def __init__(
        self, engine: FaceEngine, capture: Capture, models: LivenessModels, limits: QualityLimits
    ) -> None:
        self._engine = engine
        self._capture = capture
        self._models = models
        self._limits = limits

    def __call__(
        self,
        presentations: Sequence[Presentation],
        report: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> Measured:
        """Raises `TooFewPresentations` where nothing can be said of any species, `Overloaded`."""
        if len(presentations) < LEAST_PRESENTATIONS:
            raise TooFewPresentations(found=len(presentations), needed=LEAST_PRESENTATIONS)
        answers = []
        for number, presentation in enumerate(presentations):
            report(number, len(presentations))
            answers.append(self._answer(presentation))
        return measured(answers)

    def _answer(self, presentation: Presentation) -> Answer:
        photographs = self._capture.stills(ImageFiles(presentation.files))
        found = self._engine.detect(photographs, Faces.DOMINANT)
        seen = [
            self._look(photograph, judged(one, self._limits))
            for photograph, one in zip(photographs, found, strict=True)
        ]
        scores = [each for each in seen if isinstance(each, float)]
        return Answer(presentation, scores, [str(each) for each in seen if isinstance(each, str)])

    def _look(self, photograph: Photograph, found: FaceCrop | Refusal) -> float | Reason | NoSignal:
        if isinstance(found, Refusal):
            return found.reason
        pixels = photograph.pixels()
        return pixels if isinstance(pixels, Reason) else self._models.score(pixels, found.box)
