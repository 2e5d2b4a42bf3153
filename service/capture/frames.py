"""Which frames of a video to look at: neighbors are nearly identical.

Frames of the camera and of video files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock

from service.capture.camera import (
    DeviceReader,
    Frame,
    device_of,
    frames_in_order,
    next_frame,
    regular_file,
)
from service.capture.images import Patience
from service.capture.picture import cv2
from service.domain.errors import CameraUnavailable
from service.domain.face import Image, Photograph

_PASSES = 3
"""Sweeps over a video; each third of a gap is looked at in the next, so nine times as many in all."""


def spread_frames(capture: cv2.VideoCapture, wanted: int) -> Iterator[Image]:
    """`wanted` frames evenly spread; then, for whoever found too few faces, those in between.

    A file that does not tell its length is read in order.
    """
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return _frames_at(capture, positions(count, wanted)) if count > 0 else frames_in_order(capture)


def positions(count: int, wanted: int) -> Iterator[int]:
    """Indices below `count`, none twice: the middles of `wanted` equal parts, in order, then those
    of three times as many parts, whose middle ones are the first again, and so on.

    >>> list(positions(count=18, wanted=2))
    [4, 13, 1, 7, 10, 16, 0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17]
    """
    seen: set[int] = set()
    for sweep in range(_PASSES):
        parts = wanted * 3**sweep
        for index in (count * (2 * part + 1) // (2 * parts) for part in range(parts)):
            if index not in seen:
                seen.add(index)
                yield index


def _frames_at(capture: cv2.VideoCapture, indices: Iterator[int]) -> Iterator[Image]:
    # Containers overstate their length: a position without a frame is passed over.
    for index in indices:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        frame = next_frame(capture)
        if frame is not None:
            yield frame


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
