"""How often the passive liveness check errs on the operator's own pictures of faces and of attacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.domain.errors import TooFewPresentations
from service.domain.face import Detection, Faces, ImageFiles, Reason, Refusal
from service.domain.passive_liveness import NoSignal, Presentation
from service.domain.ports import Capture, FaceEngine, FrameObserver
from service.domain.presentation_attack import (
    LEAST_PRESENTATIONS,
    Answer,
    Measured,
    measured,
)
from service.domain.quality import QualityLimits, judged


class MeasureLiveness:
    """`observe`: with the models. `limits`: the gate that every photograph passes before anything is
    said of it.
    """

    def __init__(
        self, engine: FaceEngine, capture: Capture, observe: FrameObserver, limits: QualityLimits
    ) -> None:
        self._engine = engine
        self._capture = capture
        self._observe = observe
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
        found = self._engine.detect(photographs, Faces.DOMINANT, self._observe)
        signals = [_signal(judged(one, self._limits)) for one in found]
        scores = [each for each in signals if isinstance(each, float)]
        return Answer(presentation, scores, [each for each in signals if isinstance(each, str)])


def _signal(found: Detection) -> float | Reason | NoSignal | None:
    """The score, or why there is none."""
    if isinstance(found, Refusal):
        return found.reason
    return None if found.observation is None else found.observation.passive
