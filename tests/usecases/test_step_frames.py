"""The service's own camera films a step: few frames, far enough apart to show a movement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest

from service.domain.errors import CameraUnavailable, InvalidRequest
from service.domain.face import CameraFrames, Photograph, Stills, Stream, Uploads
from service.domain.liveness_session import MOST_FRAMES_OF_A_CALL
from service.usecases.step_frames import APART, FILMED, StepFrames
from tests.usecases.stand_ins import NamedPhotograph, StandInCapture

CAMERA = CameraFrames(MOST_FRAMES_OF_A_CALL)


def turn() -> None:
    """It is this step's."""


@dataclass
class LiveCamera:
    """Shows, in every frame, the moment in which it was taken; each takes `interval` seconds to come."""

    interval: float
    now: float = 100.0
    released: bool = False
    taken: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def stills(self, source: Stills) -> list[Photograph]:
        raise NotImplementedError

    @contextmanager
    def frames(self, stream: Stream) -> Iterator[Iterable[Photograph]]:
        assert stream == CAMERA
        try:
            yield self._frames()
        finally:
            self.released = True

    def _frames(self) -> Iterator[Photograph]:
        for _ in count():
            self.now += self.interval
            self.taken.append(self.now)
            yield NamedPhotograph(str(self.now).encode())


def film(camera: LiveCamera) -> Sequence[Photograph]:
    return StepFrames(camera, camera.clock, camera.sleep)(CAMERA, turn)


def test_frames_of_a_fast_camera_are_spread_over_two_seconds() -> None:
    camera = LiveCamera(interval=0.001)
    assert len(film(camera)) == 8
    assert camera.taken[-1] - camera.taken[0] == pytest.approx(2.0, abs=0.1)
    apart = [after - before for before, after in pairwise(camera.taken)]
    assert apart == pytest.approx([APART] * 7, abs=0.01)


def test_slow_camera_is_watched_no_longer() -> None:
    camera = LiveCamera(interval=1.0)
    assert len(film(camera)) == 3
    assert camera.now - 100.0 < FILMED + 2.0


def test_device_is_free_once_it_has_filmed() -> None:
    camera = LiveCamera(interval=0.03)
    film(camera)
    assert camera.released


def test_video_file_that_ends_early_gives_what_it_has() -> None:
    waited: list[float] = []
    frames = StepFrames(StandInCapture(film=["1", "2", "3"]), lambda: 0.0, waited.append)
    assert frames(CAMERA, turn) == [NamedPhotograph(name) for name in (b"1", b"2", b"3")]
    assert waited == [APART] * 3


def test_camera_that_cannot_be_used_is_told() -> None:
    class Broken(LiveCamera):
        def _frames(self) -> Iterator[Photograph]:
            raise CameraUnavailable

    camera = Broken(interval=0.0)
    with pytest.raises(CameraUnavailable):
        film(camera)
    assert camera.released


def test_step_that_is_met_while_the_camera_was_waited_for_is_not_filmed() -> None:
    camera = LiveCamera(interval=0.03)
    turns = iter([None, InvalidRequest([])])

    def over_meanwhile() -> None:
        if problem := next(turns):
            raise problem

    with pytest.raises(InvalidRequest):
        StepFrames(camera, camera.clock, camera.sleep)(CAMERA, over_meanwhile)
    assert camera.released
    assert camera.taken == []


@pytest.mark.parametrize("number", [0, 9])
def test_caller_sends_one_frame_to_eight(number: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        StepFrames(StandInCapture())(Uploads([b"frame"] * number), turn)
    [problem] = refused.value.particulars
    assert (problem["field"], problem["allowed"]) == ("images", {"least": 1, "most": 8})
