"""What an upload must be like to be looked at.

The port `Capture`, by Pillow and OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from service.capture.directory import directory_photographs, named_photographs
from service.capture.frames import Camera, video_frames
from service.capture.images import EncodedPhotograph, ImageLimits, Patience, is_supported
from service.domain.errors import ImageTooLarge, TooManyImages, UnsupportedImage
from service.domain.face import Image, Photograph, Reason
from service.domain.source import CameraFrames, ImageFiles, Stills, Stream, Uploads


def uploaded_photographs(images: Sequence[bytes], limits: ImageLimits) -> list[Photograph]:
    """One photograph per upload, in the order given, none of them decoded yet.

    An empty upload, or a damaged one, becomes a photograph that is `UNREADABLE`: the others of
    the request may still do. Raises `TooManyImages`, `ImageTooLarge`, `UnsupportedImage`.
    """
    if len(images) > limits.max_images:
        raise TooManyImages(limit=limits.max_images)
    photographs = [EncodedPhotograph(encoded, limits) for encoded in images]
    for photograph in photographs:
        _require_acceptable(photograph)
    return [*photographs]


def _require_acceptable(photograph: EncodedPhotograph) -> None:
    if photograph.encoded and not is_supported(photograph.encoded):
        raise UnsupportedImage
    if limit := photograph.exceeded():
        raise ImageTooLarge(limit=limit)


__all__ = ["ImageLimits", "OpenCvCapture", "Patience", "load_images"]


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
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._camera = Camera(camera, limits.max_pixels, patience)
        self._limits = limits
        self._image_roots = image_roots
        self._patience = patience

    def stills(self, source: Stills) -> list[Photograph]:
        """Raises `ImageTooLarge`, `TooManyImages`, `UnsupportedImage`, `DirectoryNotAllowed`."""
        if isinstance(source, Uploads):
            return uploaded_photographs(source.images, self._limits)
        if isinstance(source, ImageFiles):
            return named_photographs(source.paths, self._limits, self._image_roots)
        return directory_photographs(
            source.path, source.max_images, self._limits, self._image_roots
        )

    def frames(self, stream: Stream) -> AbstractContextManager[Iterable[Photograph]]:
        """Entering or iterating raises `CameraUnavailable`."""
        if isinstance(stream, CameraFrames):
            return self._camera.frames()
        return video_frames(stream.path, stream.max_frames, self._limits.max_pixels, self._patience)


def load_images(dir_path: str | Path, max_images: int, limits: ImageLimits) -> list[Image]:
    """The readable ones of a folder's first `max_images` images, each (height, width, 3) uint8 BGR.

    Empty for a folder that is missing or has none.
    """
    photographs = directory_photographs(str(dir_path), max_images, limits, roots=None)
    decoded = (photograph.pixels() for photograph in photographs)
    return [pixels for pixels in decoded if not isinstance(pixels, Reason)]
