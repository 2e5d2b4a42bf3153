"""Frames of the camera and of video files."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock

from service.capture.devices import device_of, frames_in_order, regular_file
from service.capture.limits import Patience
from service.capture.reader import DeviceReader, Frame
from service.capture.spread import spread_frames
from service.domain.errors import CameraUnavailable
from service.domain.face import Photograph


class Camera:
    """One device, used by one call at a time: the others wait for it, as for a frame.

    `camera`: an index (also as text), a file's path or a URL that OpenCV can open. A file gives
    every frame in order; a live device the freshest, so that nobody is judged by who stood there
    before.
    """

    def __init__(self, camera: int | str, max_pixels: int, patience: Patience) -> None:
        self._camera = camera
        self._max_pixels = max_pixels
        self._patience = patience
        self._in_use = Lock()

    @contextmanager
    def frames(self) -> Iterator[Iterable[Photograph]]:
        """Entering or iterating raises `CameraUnavailable`; leaving releases the device."""
        deadline = time.monotonic() + self._patience.frame
        if not self._in_use.acquire(timeout=self._patience.frame):
            raise CameraUnavailable
        # From here on the lock belongs to the reader, which outlives a call where a driver hangs.
        reader = DeviceReader(
            device_of(self._camera),
            frames_in_order,
            self._patience,
            deadline,
            self._in_use.release,
        )
        reader.start()
        try:
            yield (Frame(image, self._max_pixels) for image in reader.frames())
        finally:
            reader.stop()


@contextmanager
def video_frames(
    path: str, wanted: int, max_pixels: int, patience: Patience
) -> Iterator[Iterable[Photograph]]:
    """Frames of a video file, spread over it so that `wanted` of them show all of it.

    Entering raises `CameraUnavailable` where there is no such file, iterating where it is no video.
    """
    file = regular_file(path)
    if file is None:
        raise CameraUnavailable
    unhurried = replace(patience, watch=math.inf)  # the positions to look at are counted
    deadline = time.monotonic() + patience.frame
    selection = partial(spread_frames, wanted=wanted)
    reader = DeviceReader(file, selection, unhurried, deadline, released=lambda: None)
    reader.start()
    try:
        yield (Frame(image, max_pixels) for image in reader.frames())
    finally:
        reader.stop()
