"""Opening what frames come from: a camera, a stream, a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

from service.capture.opencv import cv2
from service.domain.face import Image

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
    capture = cv2.VideoCapture(str(device), cv2.CAP_FFMPEG, _timeouts(to_open, to_read))
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


def _timeouts(to_open: float, to_read: float) -> list[int]:
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
