"""MiniFASNet looks whether what surrounds a face belongs to a face, or to a print or a screen that shows one.

Two models look at crops of different width, as their authors run them (minivision-ai/Silent-Face-Anti-Spoofing,
Apache-2.0), and the mean counts. The ONNX files are those of yakhyo/face-anti-spoofing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.errors import LivenessModelsUnavailable, ModelUnavailable
from service.domain.face import Box, Image
from service.domain.passive_liveness import NoSignal
from service.engine.download import PublishedFile, download_files
from service.engine.providers import CPU
from service.engine.sessions import Network, load_network

NAME = "liveness"
LICENSE = "Apache-2.0"

_REPOSITORY = "https://raw.githubusercontent.com/yakhyo/face-anti-spoofing/c175efef505bc275f7835cc9aa2aecab305ac184/weights"
_RELEASE = "https://github.com/yakhyo/face-anti-spoofing/releases/download/weights"


def _published(name: str, size: int, sha256: str) -> PublishedFile:
    """At the commit whose file has this digest; and in the release, from where the README takes it."""
    return PublishedFile(name, size, sha256, (f"{_REPOSITORY}/{name}", f"{_RELEASE}/{name}"))


@dataclass(frozen=True, slots=True)
class Model:
    """`widening`: the crop's sides over those of the face's box."""

    file: PublishedFile
    widening: float


MODELS = (
    Model(
        _published(
            "MiniFASNetV2.onnx",
            1_743_561,
            "4eed38f0bde33c9b805942a5f25e42ce1161e2bda545254be622be957727794e",
        ),
        widening=2.7,
    ),
    Model(
        _published(
            "MiniFASNetV1SE.onnx",
            1_742_315,
            "d819a69bac6b9ade2a0f4d9b60b618e1260f7bf3ba1fddff6c5d82131cb1083f",
        ),
        widening=4.0,
    ),
)

SIDE = 80
"""Pixels of the square that the models take: blue, green, red of 0 to 255."""

LIVE = 1
"""Of the three classes the one of a face; 0 and 2 are attacks."""

LEAST_WIDENING = 2.0
"""Crops are no wider than the picture. Where it is less than this many times as wide or as high as the face,
there is too little around it: the authors' own samples begin at 2.04. Of 23 faces of scenes/, cut to 1.7 times the face and
more, 1 to 3 are called attacks, as in the whole pictures; at 1.5, 1.3 and 1.1 times 4, 7 and 15 are."""

LEAST_COLOR = 4.0
"""Of `color_of` a picture in color. Those faces, made duller step by step, are called attacks at 1 to 2 in 45 of 58 pictures,
at 2 to 4 in 7 of 56, above in 4 of 88; 6 photographs of other people in 10 of 17, 4 of 17 and none of 31. Gray ones under
eleven tints have 3.8 at most, untouched ones 8 and more."""


class MiniFasNets:
    """Implements `LivenessModels`. Its sessions are safe to run from many threads."""

    def __init__(self, folder: Path) -> None:
        """Raises `LivenessModelsUnavailable` unless both files are there as they were published."""
        self._networks = [(_load(model.file, folder), model.widening) for model in MODELS]

    @property
    def names(self) -> Sequence[str]:
        return [Path(model.file.name).stem for model in MODELS]

    def score(self, image: Image, box: Box) -> float | NoSignal:
        """`box`: of a face in `image`. How much it looks like a face and no picture of one, 0 to 1."""
        if _possible_widening(image, box) < LEAST_WIDENING:
            return NoSignal.NO_MARGIN
        crops = [surroundings(image, box, widening) for _, widening in self._networks]
        if color_of(crops[-1]) < LEAST_COLOR:
            return NoSignal.GRAY
        pairs = zip(self._networks, crops, strict=True)
        return float(mean(_live(network, crop) for (network, _), crop in pairs))


def fetch(folder: Path) -> None:
    """Download what `folder` lacks, and look whether all of it is right. Raises `LivenessModelsUnavailable`."""
    try:
        download_files(NAME, [model.file for model in MODELS], folder)
    except ModelUnavailable as error:
        raise _unavailable(folder, str(error.values["cause"])) from error
    for model in MODELS:
        _read(model.file, folder)


def surroundings(image: Image, box: Box, widening: float) -> Image:
    """The box widened about its middle, moved to lie inside the picture, and no wider than it."""
    height, width = image.shape[:2]
    left, top, right, bottom = box
    widening = min(widening, _possible_widening(image, box))
    columns = _span((left + right) / 2, (right - left) * widening, width)
    rows = _span((top + bottom) / 2, (bottom - top) * widening, height)
    return image[rows, columns]


def _possible_widening(image: Image, box: Box) -> float:
    height, width = image.shape[:2]
    left, top, right, bottom = box
    return float(min((width - 1) / (right - left), (height - 1) / (bottom - top)))


def _span(middle: float, length: float, most: int) -> slice:
    """`length` pixels about `middle`, both ends within 0 to `most`."""
    start = min(max(middle - length / 2, 0.0), most - 1 - length)
    return slice(max(int(start), 0), int(start + length) + 1)


def color_of(crop: Image) -> float:
    """The spread of Cr and Cb, in steps of 0 to 255, as far as it does not follow brightness: that of a
    gray picture does, whatever tint the light, the lens or the paper gives it.
    """
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    channels = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb).reshape(-1, 3).astype(np.float64)
    spread = np.cov(channels, rowvar=False)
    followed = spread[0, 1:] ** 2 / max(spread[0, 0], 1.0)
    return float(np.sqrt(max(0.0, (spread.diagonal()[1:] - followed).sum())))


def _live(network: Network, crop: Image) -> float:
    [answer] = network.run(_input(crop))
    odds = np.exp(answer[0] - answer[0].max())
    return float(odds[LIVE] / odds.sum())


def _input(crop: Image) -> NDArray[np.float32]:
    """(1, 3, 80, 80), neither scaled nor moved."""
    return np.asarray(cv2.dnn.blobFromImage(cv2.resize(crop, (SIDE, SIDE))), dtype=np.float32)


def _load(file: PublishedFile, folder: Path) -> Network:
    """On the CPU: 80 x 80 pixels are not worth the way to a GPU."""
    content = _read(file, folder)
    try:
        return load_network(content, [CPU], name=file.name, folder=folder)
    except ModelUnavailable as error:
        raise _unavailable(folder, f"{file.name}: {error.values['cause']}") from error


def _read(file: PublishedFile, folder: Path) -> bytes:
    """What is checked is what is loaded."""
    try:
        content = (folder / file.name).read_bytes()
    except OSError as error:
        raise _unavailable(folder, f"{file.name}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _unavailable(folder, f"the SHA-256 of {file.name} is not {file.sha256}")
    return content


def _unavailable(folder: Path, cause: str) -> LivenessModelsUnavailable:
    return LivenessModelsUnavailable(path=folder, cause=cause)
