"""Where the photographs of a call come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


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
