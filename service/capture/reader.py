"""A thread that opens a device, reads it and releases it.

OpenCV's open() and read() may block for as long as a driver or a network likes. So the thread that
blocks owns the device, and whoever waits for its frames can leave: the thread releases the device
as soon as OpenCV lets it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import TypeAlias

from service.capture.devices import Device, is_finite, open_device
from service.capture.handover import Handover
from service.capture.limits import MAX_SIDE, Patience
from service.capture.opencv import cv2
from service.domain.errors import CameraUnavailable
from service.domain.face import Image, Reason

Selection: TypeAlias = Callable[[cv2.VideoCapture], Iterator[Image]]
"""Which frames of an open device are looked at, in which order."""

_FAREWELL = 0.5
"""Seconds that leaving waits for the device's release: a frame's time, not a stalled network's."""


@dataclass(frozen=True, slots=True)
class Frame:
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
        patience: Patience,
        deadline: float,
        released: Callable[[], None],
    ) -> None:
        self._device = device
        self._selection = selection
        self._patience = patience
        self._deadline = deadline
        self._released = released
        self._handover = Handover()
        self._finite = False
        self._thread = Thread(target=self._run, name="face-capture", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had
            self._released()
            raise CameraUnavailable from None

    def stop(self) -> None:
        self._handover.close()
        self._thread.join(_FAREWELL)

    def frames(self) -> Iterator[Image]:
        """Ends with a finite device, or when the time to watch is over.

        Raises `CameraUnavailable` where a frame does not come in time, where a finite device has
        none, and where a live one ends, even midway: who stood in front of it cannot be judged
        by what it showed before.
        """
        image = self._awaited(self._deadline)
        if image is None:
            raise CameraUnavailable
        end = time.monotonic() + self._patience.watch
        while image is not None:
            yield image
            if time.monotonic() >= end:
                return
            image = self._awaited(time.monotonic() + self._patience.frame)
        if not (self._finite and self._handover.ended):
            raise CameraUnavailable

    def _awaited(self, deadline: float) -> Image | None:
        return self._handover.take(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        capture = None
        try:
            remaining = self._deadline - time.monotonic()
            capture = open_device(self._device, remaining, self._patience.frame)
            self._finite = is_finite(self._device, capture)
            self._read(capture)
        except cv2.error:
            pass  # a device that breaks has ended
        finally:
            if capture is not None:
                capture.release()
            self._released()
            self._handover.end()

    def _read(self, capture: cv2.VideoCapture) -> None:
        if not capture.isOpened():
            return
        for image in self._selection(capture):
            if not self._handover.put(image, keep_all=self._finite):
                return
