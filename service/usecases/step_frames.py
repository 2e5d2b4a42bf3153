"""The frames of one step of a liveness session: sent by the caller, or filmed by the service's own camera."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from service.domain.errors import FieldProblem, InvalidRequest
from service.domain.face import CameraFrames, Photograph, Stills
from service.domain.liveness_session import MOST_FRAMES_OF_A_CALL
from service.domain.ports import Capture

FILMED = 2.0
"""Seconds from the first frame to the last: whoever turns their head slowly has turned it by then."""

APART = FILMED / (MOST_FRAMES_OF_A_CALL - 1)
"""Seconds. A camera's neighbors, 30 ms apart, show no movement."""


class StepFrames:
    """`clock`, `sleep`: in seconds, as those of `time`."""

    def __init__(
        self,
        capture: Capture,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._sleep = sleep

    def __call__(
        self, source: Stills | CameraFrames, require_turn: Callable[[], None]
    ) -> Sequence[Photograph]:
        """In the order in which they were taken. `require_turn`: raises where it is not this step's turn.

        Raises what it raises, `InvalidRequest` where the caller sends none or too many, and what
        `Capture.stills` and `Capture.frames` raise.
        """
        if isinstance(source, CameraFrames):
            require_turn()
            return self._filmed(source, require_turn)
        photographs = self._capture.stills(source)
        _require_few(photographs)
        return photographs

    def _filmed(self, source: CameraFrames, require_turn: Callable[[], None]) -> list[Photograph]:
        """The device is free again before anything is looked at."""
        with self._capture.frames(source) as frames:
            require_turn()  # another call may have met the step while this one waited for the device
            return list(self._apart(frames, source.max_frames))

    def _apart(self, frames: Iterable[Photograph], most: int) -> Iterator[Photograph]:
        """A camera has gone on meanwhile and gives what it sees now, a video file its next frame."""
        end = math.inf
        for number, frame in enumerate(frames, 1):
            now = self._clock()
            if number == 1:  # a device may take long to open
                end = now + FILMED
            yield frame
            if number == most or now >= end:
                return
            self._sleep(APART)


def _require_few(photographs: Sequence[Photograph]) -> None:
    if not 1 <= len(photographs) <= MOST_FRAMES_OF_A_CALL:
        allowed = {"least": 1, "most": MOST_FRAMES_OF_A_CALL}
        raise InvalidRequest(
            [{"field": "images", "problem": FieldProblem.OUT_OF_RANGE, "allowed": allowed}]
        )
