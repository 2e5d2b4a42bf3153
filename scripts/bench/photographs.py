"""The photographs as files of another size: what a phone takes is far larger than a face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

JPEG_QUALITY = 92


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
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, encoded = cv2.imencode(".jpg", np.asarray(large), quality)
        (folder / f"{file.stem}.jpg").write_bytes(encoded.tobytes())
    return folder
