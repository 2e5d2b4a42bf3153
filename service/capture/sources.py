"""The port `Capture`, by Pillow and OpenCV: uploads, folders, files, the camera and videos.

Of a video only frames that lie apart are looked at, since neighbors are nearly identical.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

from service.capture.camera import (
    CameraFrame,
    DeviceReader,
    device_of,
    frames_in_order,
    next_frame,
    regular_file,
)
from service.capture.directory import (
    directory_photographs,
    named_photographs,
    require_directory,
)
from service.capture.images import EncodedPhotograph, ImageLimits, Timeouts, is_supported
from service.capture.picture import cv2
from service.domain.errors import CameraUnavailable, ImageTooLarge, TooManyImages, UnsupportedImage
from service.domain.face import (
    CameraFrames,
    Image,
    ImageFiles,
    Photograph,
    Reason,
    Sample,
    Stills,
    Stream,
    Uploads,
)


def uploaded_photographs(images: Sequence[bytes], limits: ImageLimits) -> list[Photograph]:
    """One photograph per upload, in the order given, none of them decoded yet.

    An empty upload, or a damaged one, becomes a photograph that is `UNREADABLE`: the others of
    the request may still do. Raises `TooManyImages`, `ImageTooLarge`, `UnsupportedImage`.
    """
    if len(images) > limits.max_images:
        raise TooManyImages(limit=limits.max_images)
    photographs = [EncodedPhotograph(encoded, limits) for encoded in images]
    for index, photograph in enumerate(photographs):
        _require_acceptable(photograph, index)
    return [*photographs]


def _require_acceptable(photograph: EncodedPhotograph, index: int) -> None:
    if photograph.encoded and not is_supported(photograph.encoded):
        raise UnsupportedImage(_samples_until(index, Reason.UNREADABLE))
    if limit := photograph.exceeded():
        raise ImageTooLarge(_samples_until(index, Reason.TOO_LARGE), limit=limit)


def _samples_until(index: int, reason: Reason) -> list[Sample]:
    """Nothing is said against those before it."""
    return [*[Sample(None, None, None)] * index, Sample(None, reason, None)]


__all__ = ["ImageLimits", "OpenCvCapture", "Timeouts", "load_images"]


class OpenCvCapture:
    """One per process: it is what keeps two calls from opening the camera at once.

    `camera`: index, file path or stream URL. `image_roots`: the folders that `DirectoryImages` may
    read, symlinks resolved; None for all that the user may read, empty for none.
    """

    def __init__(
        self,
        camera: int | str,
        limits: ImageLimits,
        image_roots: Sequence[Path] | None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        self._camera = Camera(camera, limits.max_pixels, timeouts)
        self._limits = limits
        self._image_roots = image_roots
        self._timeouts = timeouts

    def stills(self, source: Stills) -> list[Photograph]:
        """Raises `ImageTooLarge`, `TooManyImages`, `UnsupportedImage`, `DirectoryNotAllowed`,
        `DirectoryNotFound`.
        """
        if isinstance(source, Uploads):
            return uploaded_photographs(source.images, self._limits)
        if isinstance(source, ImageFiles):
            return named_photographs(source.paths, self._limits, self._image_roots)
        photographs = directory_photographs(
            source.path, source.max_images, self._limits, self._image_roots
        )
        if not photographs:
            require_directory(source.path)
        return photographs

    def frames(self, stream: Stream) -> AbstractContextManager[Iterable[Photograph]]:
        """Entering or iterating raises `CameraUnavailable`."""
        if isinstance(stream, CameraFrames):
            return self._camera.frames()
        return video_frames(stream.path, stream.max_frames, self._limits.max_pixels, self._timeouts)


def load_images(dir_path: str | Path, max_images: int, limits: ImageLimits) -> list[Image]:
    """The readable ones of a folder's first `max_images` images, each (height, width, 3) uint8 BGR.

    Empty for a folder that is missing or has none.
    """
    photographs = directory_photographs(str(dir_path), max_images, limits, roots=None)
    decoded = (photograph.pixels() for photograph in photographs)
    return [pixels for pixels in decoded if not isinstance(pixels, Reason)]


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

    def __init__(self, camera: int | str, max_pixels: int, timeouts: Timeouts) -> None:
        self._camera = camera
        self._max_pixels = max_pixels
        self._timeouts = timeouts
        self._in_use = Lock()

    @contextmanager
    def frames(self) -> Iterator[Iterable[Photograph]]:
        """Entering or iterating raises `CameraUnavailable`; leaving releases the device."""
        deadline = time.monotonic() + self._timeouts.frame
        if not self._in_use.acquire(timeout=self._timeouts.frame):
            raise CameraUnavailable
        # From here on the lock belongs to the reader, which outlives a call where a driver hangs.
        reader = DeviceReader(
            device_of(self._camera),
            frames_in_order,
            self._timeouts,
            deadline,
            self._in_use.release,
        )
        reader.start()
        try:
            yield (CameraFrame(image, self._max_pixels) for image in reader.frames())
        finally:
            reader.stop()


@contextmanager
def video_frames(
    path: str, wanted: int, max_pixels: int, timeouts: Timeouts
) -> Iterator[Iterable[Photograph]]:
    """Frames of a video file, spread over it so that `wanted` of them show all of it.

    Entering raises `CameraUnavailable` where there is no such file, iterating where it is no video.
    """
    file = regular_file(path)
    if file is None:
        raise CameraUnavailable
    unhurried = replace(timeouts, watch=math.inf)  # the positions to look at are counted
    deadline = time.monotonic() + timeouts.frame
    selection = partial(spread_frames, wanted=wanted)
    reader = DeviceReader(file, selection, unhurried, deadline, released=lambda: None)
    reader.start()
    try:
        yield (CameraFrame(image, max_pixels) for image in reader.frames())
    finally:
        reader.stop()
