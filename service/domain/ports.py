"""What has several implementations: the engine, the camera, a bulk file, a rate limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from service.domain.active_liveness import Verdict
from service.domain.bulk import BulkCandidate, BulkOutcome, BulkRow, Row
from service.domain.face import (
    Box,
    Detection,
    EmbeddedFace,
    FaceCrop,
    Faces,
    Image,
    Observation,
    Photograph,
    Stills,
    Stream,
)
from service.domain.liveness_session import Purpose
from service.domain.passive_liveness import NoSignal


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """A model is its name and the SHA-256 (hex) of its recognition file."""

    name: str
    sha256: str

    @property
    def model_id(self) -> str:
        return f"{self.name}@sha256:{self.sha256}"


class FrameObserver(Protocol):
    """Sees the pixels around a face, which nobody keeps. Called from many threads."""

    def __call__(self, image: Image, box: Box) -> Observation:
        """`box`: of the face that counts, in pixels of `image`."""
        ...


class FaceEngine(Protocol):
    """One loaded model, shared by every thread of the process."""

    @property
    def model(self) -> ModelIdentity: ...

    @property
    def dimensions(self) -> int:
        """Meaningful numbers of an embedding; the rest, up to 512, is zero."""
        ...

    @property
    def providers(self) -> Sequence[str]:
        """What the model really runs on, best first."""
        ...

    @property
    def sees_landmarks(self) -> bool:
        """Whether faces come with the landmarks that a liveness session goes by."""
        ...

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        """The face of each photograph that counts, or why there is none; in the order given.

        `observe`: called with each such face while its photograph is decoded. Raises `Overloaded` where too many calls wait already.
        """
        ...

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        """One embedding per crop, in one batch. Raises `Overloaded`."""
        ...


class LivenessModels(Protocol):
    """The passive liveness check, shared by every thread of the process."""

    @property
    def names(self) -> Sequence[str]: ...

    def score(self, image: Image, box: Box) -> float | NoSignal:
        """`box`: of a face in `image`. How much it looks like a face and no picture of one, 0 to 1."""
        ...


class Telemetry(Protocol):
    """Who is told how long the stages of a call take. Named by `STAGES` of `telemetry.metrics`."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Times the block."""
        ...

    def shortlisted(self, *, found: bool) -> None:
        """A held collection was searched. `found`: whether there was a shortlist."""
        ...

    def judged(self, purpose: Purpose, verdict: Verdict) -> None:
        """A liveness session was used."""
        ...


class NoTelemetry:
    """Implements `Telemetry` for the command line and the Python API, where nobody asks."""

    def stage(self, name: str) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()

    def shortlisted(self, *, found: bool) -> None:
        """Counted nowhere."""

    def judged(self, purpose: Purpose, verdict: Verdict) -> None:
        """Counted nowhere."""


NO_TELEMETRY = NoTelemetry()


class Capture(Protocol):
    def stills(self, source: Stills) -> list[Photograph]:
        """The photographs of uploads or of a folder.

        Raises `ImageTooLarge`, `TooManyImages`, `UnsupportedImage`, `DirectoryNotAllowed`.
        """
        ...

    def frames(self, stream: Stream) -> AbstractContextManager[Iterable[Photograph]]:
        """Frames as they come. Leaving the context releases the device.

        Entering or iterating raises `CameraUnavailable` where no frame comes in time.
        """
        ...


class BulkSource(Protocol):
    """People to enroll, from a file or a folder; read as it goes, never all of it at once."""

    @property
    def expected(self) -> int:
        """About how many rows there are, for a progress bar."""
        ...

    def rows(self) -> Iterator[BulkRow]:
        """In order. Raises `BulkFileUnusable` where nothing more can be read."""
        ...


class BulkEmbedding(Protocol):
    """The faces of many rows, several at a time."""

    def __call__(self, items: Iterable[Row | BulkOutcome]) -> Iterator[BulkCandidate | BulkOutcome]:
        """In the order of `items`, of which only a bounded number is read ahead. A row without a
        usable face is refused; what is an outcome already is passed on.

        Raises `Unavailable`, `OperationFailed`: what no row is to blame for.
        """
        ...
