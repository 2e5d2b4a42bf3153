"""The photographs as others take them: a phone's are far larger than a face, a camera at a till or
door shows more than the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from service.domain.face import Image

JPEG_QUALITY = 92

FRAME = (1_920, 1_080)
"""Width and height of what most webcams send."""

SHARE_OF_A_FRAME = 0.45
"""Height of the photograph, which its face nearly fills, over the frame's: somebody at arm's length."""

_BACKGROUND_DETAIL = 24
"""Pixels that the background is made from: smooth, as a wall out of focus."""


def enlarged(people: Sequence[Path], folder: Path, side: int) -> list[Path]:
    """Copies below `folder` as JPEG files with a longer side of `side` pixels."""
    return [_enlarged_person(person, folder / person.name, side) for person in people]


def _enlarged_person(person: Path, folder: Path, side: int) -> Path:
    folder.mkdir(parents=True)
    for file in sorted(person.iterdir()):
        image = cv2.imread(str(file))
        if image is None:
            continue
        scale = side / max(image.shape[:2])
        large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        (folder / f"{file.stem}.jpg").write_bytes(_jpeg(np.asarray(large, np.uint8)))
    return folder


def camera_frame(encoded: bytes) -> bytes:
    """A JPEG of `FRAME` with the photograph in its middle, before a background of its colors."""
    photograph = np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR))
    width, height = FRAME
    side = int(SHARE_OF_A_FRAME * height)
    near = cv2.resize(photograph, (side, side), interpolation=cv2.INTER_CUBIC)
    far = cv2.resize(photograph, (_BACKGROUND_DETAIL, _BACKGROUND_DETAIL))
    frame = np.asarray(cv2.resize(cv2.blur(far, (5, 5)), FRAME), np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    frame[top : top + side, left : left + side] = near
    return _jpeg(frame)


def _jpeg(image: Image) -> bytes:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
