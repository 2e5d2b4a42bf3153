"""A thread opens a device (a camera, a stream, a file), reads its frames and releases it.

OpenCV's open() and read() may block for as long as a driver or a network likes. So the thread that
blocks owns the device, and whoever waits for its frames can leave: the thread releases the device
as soon as OpenCV lets it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import TypeAlias

import numpy as np

from service.capture.images import MAX_SIDE, Timeouts
from service.capture.picture import cv2
from service.domain.errors import CameraUnavailable
from service.domain.face import Image, Reason


class LatestFrame:
    """Room for one frame: nothing piles up where a camera is faster than the model."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._frame: Image | None = None
        self._ended = False
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether no more frames come."""
        return self._ended

    def put(self, frame: Image, *, keep_all: bool) -> bool:
        """Leave a frame; `keep_all`: once the one before it is taken, else in its place.

        False where nobody wants frames any more.
        """
        with self._changed:
            if keep_all:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            self._frame = frame
            self._changed.notify_all()
            return not self._closed

    def take(self, seconds: float) -> Image | None:
        """The next frame; None where none comes in time, or none comes any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, seconds)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


Device: TypeAlias = int | str | Path
"""An index, a URL or a device's name, or a regular file."""

_TEXT = cv2.VideoWriter.fourcc(*"ansi")
"""The codec of FFmpeg's demuxer `tty`, which films any `.txt` file."""


def device_of(camera: int | str) -> Device:
    """What the setting means: `"0"` is an index, a name of a regular file is that file."""
    if isinstance(camera, int):
        return camera
    if camera.isascii() and camera.isdigit():
        return int(camera)
    return regular_file(camera) or camera


def regular_file(name: str) -> Path | None:
    try:
        return Path(name).resolve() if Path(name).is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def open_device(device: Device, to_open: float, to_read: float) -> cv2.VideoCapture:
    """Not opened, rather than raised, where it cannot be: see `isOpened()`.

    `to_open`, `to_read`: seconds that FFmpeg may wait for the network, in all and for each frame.
    Other backends have no such setting (V4L2 waits 10 seconds for a frame): callers keep the time.
    """
    if _is_hardware(device):
        return cv2.VideoCapture(device)
    capture = cv2.VideoCapture(str(device), cv2.CAP_FFMPEG, _network_timeouts(to_open, to_read))
    if capture.get(cv2.CAP_PROP_FOURCC) == _TEXT:
        capture.release()
    return capture


def is_finite(device: Device, capture: cv2.VideoCapture) -> bool:
    """Whether it has a last frame: files, and streams that know their length."""
    if isinstance(device, Path):
        return True
    return not _is_hardware(device) and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0


def frames_in_order(capture: cv2.VideoCapture) -> Iterator[Image]:
    while (frame := next_frame(capture)) is not None:
        yield frame


def next_frame(capture: cv2.VideoCapture) -> Image | None:
    """None at the end, and where the device gives nothing any more."""
    there, frame = capture.read()
    return np.asarray(frame, np.uint8) if there else None


def _network_timeouts(to_open: float, to_read: float) -> list[int]:
    return [
        int(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC),
        _milliseconds(to_open),
        int(cv2.CAP_PROP_READ_TIMEOUT_MSEC),
        _milliseconds(to_read),
    ]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # 0 would mean for ever


def _is_hardware(device: Device) -> bool:
    """Whether it is an index, or names a device such as /dev/video0: not FFmpeg's business."""
    if isinstance(device, int):
        return True
    try:
        return Path(device).is_char_device()
    except (OSError, ValueError):
        return False


Selection: TypeAlias = Callable[[cv2.VideoCapture], Iterator[Image]]
"""Which frames of an open device are looked at, in which order."""

RELEASE_TIMEOUT = 0.5
"""Seconds that leaving waits for the device's release: a frame's time, not a stalled network's."""


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """A `Photograph` that is decoded already."""

    image: Image = field(repr=False)
    max_pixels: int

    def pixels(self) -> Image | Reason:
        height, width = self.image.shape[:2]
        fits = height * width <= self.max_pixels and max(height, width) <= MAX_SIDE
        return self.image if fits else Reason.TOO_LARGE


class DeviceReader:
    """`deadline` (of `time.monotonic()`): until when the first frame must be there.

    `released` is called by the thread once the device is free again.
    """

    def __init__(
        self,
        device: Device,
        selection: Selection,
        timeouts: Timeouts,
        deadline: float,
        released: Callable[[], None],
    ) -> None:
        self._device = device
        self._selection = selection
        self._timeouts = timeouts
        self._deadline = deadline
        self._released = released
        self._latest = LatestFrame()
        self._finite = False
        self._thread = Thread(target=self._run, name="face-capture", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had
            self._released()
            raise CameraUnavailable from None

    def stop(self) -> None:
        self._latest.close()
        self._thread.join(RELEASE_TIMEOUT)

    def frames(self) -> Iterator[Image]:
        """Ends with a finite device, or when the time to watch is over.

        Raises `CameraUnavailable` where a frame does not come in time, where a finite device has
        none, and where a live one ends, even midway: who stood in front of it cannot be judged
        by what it showed before.
        """
        image = self._awaited(self._deadline)
        if image is None:
            raise CameraUnavailable
        end = time.monotonic() + self._timeouts.watch
        while image is not None:
            yield image
            if time.monotonic() >= end:
                return
            image = self._awaited(time.monotonic() + self._timeouts.frame)
        if not (self._finite and self._latest.ended):
            raise CameraUnavailable

    def _awaited(self, deadline: float) -> Image | None:
        return self._latest.take(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        capture = None
        try:
            remaining = self._deadline - time.monotonic()
            capture = open_device(self._device, remaining, self._timeouts.frame)
            self._finite = is_finite(self._device, capture)
            self._read(capture)
        except cv2.error:
            pass  # a device that breaks has ended
        finally:
            if capture is not None:
                capture.release()
            self._released()
            self._latest.end()

    def _read(self, capture: cv2.VideoCapture) -> None:
        if not capture.isOpened():
            return
        for image in self._selection(capture):
            if not self._latest.put(image, keep_all=self._finite):
                return
