"""Photographs in, faces and embeddings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from service.domain.bulk import BulkRow, Candidate, Outcome, Row
from service.domain.face import Detection, Embedding, FaceCrop, Photograph
from service.domain.source import Stills, Stream


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """A model is its name and the SHA-256 (hex) of its recognition file."""

    name: str
    sha256: str

    @property
    def model_id(self) -> str:
        return f"{self.name}@sha256:{self.sha256}"


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

    def detect(self, photographs: Sequence[Photograph]) -> list[Detection]:
        """The one face of each photograph, or why not; in the order given.

        Raises `Overloaded` where too many calls wait already.
        """
        ...

    def embed(self, crops: Sequence[FaceCrop]) -> list[Embedding]:
        """One embedding per crop, in one batch. Raises `Overloaded`."""
        ...


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

    def __call__(self, items: Iterable[Row | Outcome]) -> Iterator[Candidate | Outcome]:
        """In the order of `items`, of which only a bounded number is read ahead. A row without a
        usable face is refused; what is an outcome already is passed on.

        Raises `Unavailable`, `Misconfigured`: what no row is to blame for.
        """
        ...
