"""Video files of people, which the service takes for a camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIDE = 480
FRAMES_PER_PHOTOGRAPH = 2
_FRAMES_A_SECOND = 5


@dataclass(frozen=True)
class CameraVideo:
    """What the camera of the server sees: a video file that is exchanged between two calls."""

    path: Path

    def write(self, photographs: Sequence[Path]) -> None:
        write_video(self.path, photographs)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def write_video(path: Path, photographs: Sequence[Path]) -> Path:
    """Each photograph for a moment, scaled to one size; none: a video of darkness."""
    size = (SIDE, SIDE)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), _FRAMES_A_SECOND, size)
    for frame in [cv2.imread(str(photo)) for photo in photographs] or [_darkness()]:
        assert frame is not None
        for _ in range(FRAMES_PER_PHOTOGRAPH):
            writer.write(cv2.resize(frame, size))
    writer.release()
    return path


def _darkness() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((SIDE, SIDE, 3), np.uint8)
