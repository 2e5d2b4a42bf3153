"""A camera before which everything is told beforehand, and a service whose camera it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from service.domain.challenge import Step
from service.domain.errors import CameraUnavailable
from service.domain.face import Photograph, Stream
from service.usecases.liveness_frames import TakeFrames
from service.usecases.liveness_start import StartLiveness
from service.usecases.step_frames import StepFrames
from service.usecases.step_inspection import FrameObservers
from service.wiring import Wiring
from tests.usecases.liveness_films import without_models
from tests.usecases.stand_ins import StandInCapture

CHALLENGE = (Step.LOOK_AHEAD, Step.TURN_LEFT, Step.LOOK_UP, Step.COME_CLOSER, Step.LOOK_AHEAD)


class FilmCamera(StandInCapture):
    """Shows one film each time it is used. Where none is left it is unplugged."""

    def __init__(self) -> None:
        super().__init__()
        self._films: list[Sequence[str]] = []

    def shows(self, *films: Sequence[str]) -> None:
        self._films = list(films)

    @contextmanager
    def frames(self, stream: Stream) -> Iterator[Iterable[Photograph]]:
        if not self._films:
            raise CameraUnavailable
        self._film = self._films.pop(0)
        with super().frames(stream) as frames:
            yield frames


def challenge(wiring: Wiring, camera: FilmCamera) -> None:
    """Its sessions ask for one challenge, and the camera's pauses take no time."""
    wiring.start_liveness = StartLiveness(
        wiring.storage, wiring.vault, wiring.audit_recorder, wiring.engine, lambda: CHALLENGE
    )
    frames = StepFrames(camera, lambda: 0.0, lambda _: None)
    wiring.take_frames = TakeFrames(
        wiring.samplers,
        frames,
        FrameObservers(without_models, without_models),
        wiring.storage,
        wiring.vault,
    )
