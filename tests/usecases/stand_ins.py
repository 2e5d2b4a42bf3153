"""An engine, a capture and a clock for tests of the use cases: no model, no camera, no waiting.

A photograph is a name: `kim` is Kim's face itself, `kim:2` another photograph of Kim (cosine 0.8
with the face, 0.64 with Kim's other photographs). Two people are nearly orthogonal. `kim:2+1` is that
photograph with somebody small behind Kim. A reason, such as `no_face`, is a photograph refused for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from service.domain.face import (
    Detection,
    DirectoryImages,
    EmbeddedFace,
    Embedding,
    FaceCrop,
    Faces,
    GivenEmbedding,
    Image,
    ImageFiles,
    Photograph,
    Quality,
    Reason,
    Refusal,
    Stills,
    Stream,
    Uploads,
)
from service.domain.ports import FrameObserver, ModelIdentity
from tests.domain.vectors import at_cosine, face_of

DETECTION_SCORE = 0.9
REFUSED_SCORE = 0.5
PHOTO_COSINE = 0.8
GOOD_QUALITY = Quality(sharpness=0.2, brightness=120.0, overexposure=0.0, roll=0.0)

_CHANNELS = 3


def photos(*names: str) -> Uploads:
    return Uploads([name.encode() for name in names])


def given(embedding: Embedding) -> GivenEmbedding:
    return GivenEmbedding(embedding.tolist())


def embedding_of_photo(name: str) -> Embedding:
    person, _, number = name.partition("+")[0].partition(":")
    return (
        at_cosine(face_of(person), PHOTO_COSINE, f"{person}:{number}")
        if number
        else face_of(person)
    )


@dataclass(frozen=True, slots=True)
class NamedPhotograph:
    """Its name, spelt in pixels."""

    content: bytes

    def pixels(self) -> Image | Reason:
        if self.content == Reason.UNREADABLE.encode():
            return Reason.UNREADABLE
        padded = self.content.ljust(-(-len(self.content) // _CHANNELS) * _CHANNELS)
        return np.frombuffer(padded, np.uint8).reshape(1, -1, _CHANNELS)


class StandInEngine:
    """Implements `FaceEngine`: reads the name off the pixels."""

    def __init__(self, name: str = "stand-in", dimensions: int = 512) -> None:
        self.model = ModelIdentity(name, hashlib.sha256(name.encode()).hexdigest())
        self.dimensions = dimensions
        self.sees_landmarks = True
        self.providers: Sequence[str] = ["CPUExecutionProvider"]
        self.looked_at = 0
        self.batches: list[int] = []

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        self.looked_at += len(photographs)
        return [_detection(photograph, faces, observe) for photograph in photographs]

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        self.batches.append(len(crops))
        return [EmbeddedFace(embedding_of_photo(_name(crop.pixels)), 1.0) for crop in crops]


class NextEngine(StandInEngine):
    """Another model: its vectors have nothing to do with the first one's. `unseen`: photographs in which
    it sees nobody; `elsewhere`: those in which it takes another face for the subject's.
    """

    def __init__(
        self, name: str = "next", unseen: Sequence[str] = (), elsewhere: Sequence[str] = ()
    ) -> None:
        super().__init__(name)
        self._unseen = unseen
        self._elsewhere = elsewhere

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        return [self._own(found) for found in super().detect(photographs, faces, observe)]

    def _own(self, found: Detection) -> Detection:
        if isinstance(found, Refusal):
            return found
        if _name(found.pixels) in self._unseen:
            return Refusal(Reason.NO_FACE)
        if _name(found.pixels) in self._elsewhere:
            return replace(found, box=(200.0, 0.0, 300.0, 100.0))
        return replace(found, box=(20.0, 10.0, 90.0, 105.0))

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        self.batches.append(len(crops))
        names = [f"{self.model.name} {_name(crop.pixels)}" for crop in crops]
        return [EmbeddedFace(embedding_of_photo(name), 1.0) for name in names]


class StandInCapture:
    """Implements `Capture`: folders and one film, given beforehand."""

    def __init__(
        self, folders: Mapping[str, Sequence[str]] | None = None, film: Sequence[str] = ()
    ) -> None:
        self._folders = folders or {}
        self._film = film
        self.sources: list[Stills | Stream] = []
        self.released = 0

    @property
    def used(self) -> int:
        return len(self.sources)

    def stills(self, source: Stills) -> list[Photograph]:
        self.sources.append(source)
        if isinstance(source, DirectoryImages):
            return [_photograph(name) for name in self._folders[source.path]][: source.max_images]
        if isinstance(source, ImageFiles):
            return [_photograph(Path(path).name) for path in source.paths]
        return [NamedPhotograph(content) for content in source.images]

    @contextmanager
    def frames(self, stream: Stream) -> Iterator[Iterable[Photograph]]:
        self.sources.append(stream)
        try:
            yield (_photograph(name) for name in self._film)
        finally:
            self.released += 1


class StandInClock:
    """Always the same moment, until it is moved on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def _photograph(name: str) -> Photograph:
    return NamedPhotograph(name.encode())


def _detection(photograph: Photograph, faces: Faces, observe: FrameObserver | None) -> Detection:
    pixels = photograph.pixels()
    if isinstance(pixels, Reason):
        return Refusal(pixels)
    if _name(pixels) in set(Reason):
        return Refusal(Reason(_name(pixels)), REFUSED_SCORE)
    others = int(_name(pixels).partition("+")[2] or 0)
    if others and faces is Faces.ONE:
        return Refusal(Reason.MULTIPLE_FACES, DETECTION_SCORE)
    box = (0.0, 0.0, 100.0, 100.0)
    seen = None if observe is None else observe(pixels, box)
    return FaceCrop(pixels, DETECTION_SCORE, GOOD_QUALITY, box, others, observation=seen)


def _name(pixels: Image) -> str:
    return pixels.tobytes().decode().rstrip()
