"""What Chromium's camera sees: a film of one picture, which the test exchanges while it is shown."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from service.domain.face import Image

WIDTH, HEIGHT, RATE = 640, 480, 20

_HEAD = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420\nFRAME\n".encode()


class Film:
    """A Y4M file. Chromium reads it again from its start after each frame, of which there is one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.dark()

    def show(self, picture: Image) -> None:
        """`picture`: blue-green-red, of any size; its middle is shown."""
        planes = cv2.cvtColor(_filling(picture), cv2.COLOR_BGR2YUV_I420)
        mode = "r+b" if self.file.exists() else "w+b"
        with self.file.open(mode) as file:  # in place: the camera has it open
            file.write(_HEAD + planes.tobytes())

    def show_photograph(self, photograph: Path) -> None:
        """Half as high as the picture, before a plain wall."""
        picture = cv2.imread(str(photograph))
        assert picture is not None
        height = HEIGHT // 2
        width = round(picture.shape[1] * height / picture.shape[0])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        wall = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
        left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
        wall[top : top + height, left : left + width] = small
        self.show(wall)

    def dark(self) -> None:
        """Nobody is there."""
        self.show(np.full((HEIGHT, WIDTH, 3), 40, np.uint8))


def _filling(picture: Image) -> Image:
    """`picture` in the camera's size, cut where it has another shape."""
    height, width = picture.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale))
    larger = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.asarray(larger[top : top + HEIGHT, left : left + WIDTH], np.uint8)
