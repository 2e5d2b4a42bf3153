"""Where the photographs of a call come from, and what is seen in one: its one face, or why it is of no use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.domain.passive_liveness import NoSignal

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
    TOO_BLURRED = "too_blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED = "turned"
    COVERED = "covered"


class Faces(StrEnum):
    """Which photographs have a face that counts. Part of the contract.

    `ONE`: those with exactly one face. `DOMINANT`: those as well in which one face is beyond doubt
    the subject's, whoever stands behind.
    """

    ONE = "one"
    DOMINANT = "dominant"


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


Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom of a face, in pixels of the photograph."""


Landmarks: TypeAlias = NDArray[np.float64]
"""(5, 2): the eyes, the nose, the corners of the mouth, those on the picture's left first; in pixels of
the photograph."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a face image can carry, measured on the aligned crop (the cues of ISO/IEC 29794-5).

    `sharpness`: mean of abs(I - blurred I) over the standard deviation of I, 0 and more.
    `brightness`: mean, 0 to 255. `overexposure`: share of pixels at 250 and above, 0 to 1. `roll`: angle
    of the line through the eyes in degrees, 0 upright, -180 to 180. `norm`: L2 norm of the
    recognizer's output before it is normalized; None where the face was not embedded. `features`: as
    `sharpness`, of an eye or the mouth, whichever has least; None where no face was seen.
    """

    sharpness: float
    brightness: float
    overexposure: float
    roll: float
    norm: float | None = None
    features: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a frame of a liveness session shows around its face.

    `passive`: how much it looks like a face and no picture of one, 0 to 1; None where no model was
    asked. `features`: 256 signed bytes of `service/engine/frame_features.py`, not keyed yet: never to be kept or
    logged as they are.
    """

    passive: float | NoSignal | None
    features: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """The face of a photograph that counts, aligned to the recognizer's input.

    `ignored_faces`: others in the photograph that were left out. `landmarks`: None where the engine
    sees none. `observation`: where one was asked for.
    """

    pixels: Image = field(repr=False)
    detection_score: float
    quality: Quality
    box: Box
    ignored_faces: int = 0
    landmarks: Landmarks | None = field(default=None, repr=False)
    observation: Observation | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photograph without a usable face.

    `detection_score` is the best face's score, 0 to 1; None where no face was seen. `quality` and
    `box`: of the face that was refused, where there is one that counts.
    """

    reason: Reason
    detection_score: float | None = None
    quality: Quality | None = None
    box: Box | None = None
    ignored_faces: int = 0


Detection: TypeAlias = FaceCrop | Refusal


@dataclass(frozen=True, slots=True)
class EmbeddedFace:
    """`norm`: L2 norm of the recognizer's output before it was normalized; low for a face that it
    hardly sees.
    """

    embedding: Embedding = field(repr=False)
    norm: float


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a face was seen, so that another model can look at the same one."""

    photograph: Photograph
    box: Box

    def is_same_face(self, other: Seen) -> bool:
        """Whether two models mean the same face of one photograph: the middle of either's box lies in
        the other's. Boxes of two detectors differ in how much of the head they take in.
        """
        return _holds_middle(self.box, other.box) and _holds_middle(other.box, self.box)


def _holds_middle(box: Box, other: Box) -> bool:
    left, top, right, bottom = box
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return left < x < right and top < y < bottom


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one photograph: an embedding or a reason, never both.

    `seen`: of an accepted one, where another model is to look at it as well; else None.
    """

    embedding: Embedding | None = field(repr=False)
    reason: Reason | None
    detection_score: float | None
    quality: Quality | None = None
    ignored_faces: int = 0
    seen: Seen | None = field(default=None, repr=False, compare=False)

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
    """The configured camera, until `max_frames` frames with exactly one face were seen; for a step of a
    liveness session, until that many were taken.
    """

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


@dataclass(frozen=True, slots=True)
class ProvenFrame:
    """The frontal frame of a liveness session, which was looked at when it came."""

    session_id: UUID


Stream: TypeAlias = CameraFrames | VideoFrames
Stills: TypeAlias = Uploads | DirectoryImages | ImageFiles
SampleSource: TypeAlias = Stream | Stills | GivenEmbedding
"""What a probe is made of in the call itself."""

FaceSource: TypeAlias = SampleSource | ProvenFrame
