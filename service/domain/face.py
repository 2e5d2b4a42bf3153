"""Where the photographs of a call come from, and what is seen in one: its one face, or why it is of no use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Pixels, height x width x 3, blue-green-red, 0-255: the layout of OpenCV and InsightFace."""

Embedding: TypeAlias = NDArray[np.float32]
"""One sample's vector: float32, shape (512,), L2 norm 1."""

EMBEDDING_SIZE = 512
"""Numbers in an embedding: the output of the ArcFace packs; shorter models are padded with zeros."""


class Reason(StrEnum):
    """Why a photograph was left out. The values are part of the contract."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    LOW_DETECTION_SCORE = "low_detection_score"
    FACE_TOO_SMALL = "face_too_small"
    INCONSISTENT = "inconsistent"


class Photograph(Protocol):
    """One picture of a request, decoded when it is looked at and not before.

    Twenty uploads of 40 megapixels would be 2.4 GB of pixels: only the photographs that the
    engine's workers hold at a time are ever decoded.
    """

    def pixels(self) -> Image | Reason:
        """The decoded picture, or `UNREADABLE` or `TOO_LARGE`."""
        ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """`denominator`: 2, 4 or 8 where the picture was decoded at 1/2, 1/4 or 1/8 of its size."""

    pixels: Image = field(repr=False)
    denominator: int = 1


@runtime_checkable
class ReduciblePhotograph(Photograph, Protocol):
    """One that can be decoded with fewer pixels than it has, in less time and memory."""

    def reduced(self, least_side: int) -> Decoded | Reason:
        """As small as its format allows with a longer side of `least_side` pixels or more."""
        ...


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """The only face of a photograph, aligned to the recognizer's input."""

    pixels: Image = field(repr=False)
    detection_score: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photograph without exactly one usable face.

    `detection_score` is the best face's score, 0 to 1; None where no face was seen.
    """

    reason: Reason
    detection_score: float | None = None


Detection: TypeAlias = FaceCrop | Refusal


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one photograph: an embedding or a reason, never both."""

    embedding: Embedding | None = field(repr=False)
    reason: Reason | None
    detection_score: float | None

    @property
    def accepted(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Uploads:
    """Encoded images, as they came over the wire or from the user's files."""

    images: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivenEmbedding:
    """512 numbers that the caller got from this service earlier."""

    numbers: Sequence[float] | NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CameraFrames:
    """The configured camera, until `max_frames` frames with exactly one face were seen."""

    max_frames: int


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """A video file, until `max_frames` frames with exactly one face were seen."""

    path: str = field(repr=False)
    max_frames: int


@dataclass(frozen=True, slots=True)
class DirectoryImages:
    """The first `max_images` images of a folder, by name."""

    path: str = field(repr=False)
    max_images: int


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Files of one person, each named by itself."""

    paths: Sequence[str] = field(repr=False)


Stream: TypeAlias = CameraFrames | VideoFrames
Stills: TypeAlias = Uploads | DirectoryImages | ImageFiles
FaceSource: TypeAlias = Stream | Stills | GivenEmbedding
