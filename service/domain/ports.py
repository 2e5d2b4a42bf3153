"""What the use cases need from the outside. Each adapter room holds one side of a port."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.callers import ApiKey
from service.domain.chain import SealedHead
from service.domain.collection import (
    Collection,
    SealContext,
    SearchVector,
    StoredTemplate,
    Subject,
    WrappedKey,
)
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


class CollectionKey(Protocol):
    """A collection's data key, open, and what can be done with it."""

    @property
    def key_id(self) -> UUID: ...

    def seal(self, plain: bytes, context: SealContext) -> bytes: ...

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `TemplateTampered`."""
        ...

    def to_search_space(self, embedding: Embedding) -> SearchVector: ...

    def pseudonym(self, subject_id: str) -> bytes:
        """A keyed hash of the subject's name: 32 bytes, the same for the same subject."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash of a request: 32 bytes."""
        ...

    def chain(self, content: bytes) -> bytes:
        """A keyed hash of a record of the audit log: 32 bytes."""
        ...


class Vault(Protocol):
    def new_key(self, collection_id: UUID) -> WrappedKey: ...

    def unlock(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        ...


class Collections(Protocol):
    def find(self, name: str) -> Collection | None: ...

    def lock(self, collection: Collection) -> None:
        """Until the end of the transaction nobody else changes this collection's people."""
        ...

    def add(self, collection: Collection) -> None: ...

    def update(self, collection: Collection) -> None:
        """Write settings and model of the collection with this id."""
        ...

    def delete(self, collection: Collection) -> int:
        """Remove it, its key and its people; returns how many templates went."""
        ...


class Subjects(Protocol):
    def find(self, collection: Collection, subject_id: str) -> Subject | None: ...

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Up to `limit` subjects by id, those after `after`."""
        ...

    def add(self, collection: Collection, subject: Subject) -> None: ...

    def set_metadata(self, collection: Collection, subject: Subject) -> None: ...

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Remove the subject and all that hangs on it; returns how many templates went."""
        ...


class Templates(Protocol):
    def of(self, collection: Collection, subject_id: str) -> list[StoredTemplate]: ...

    def add(self, collection: Collection, template: StoredTemplate) -> None: ...

    def delete_of(self, collection: Collection, subject_id: str) -> int: ...

    def count(self, collection: Collection) -> int: ...

    def nearest(
        self,
        collection: Collection,
        probe: SearchVector,
        at_least: float,
        limit: int,
        skip: int = 0,
        other_than: str | None = None,
    ) -> list[StoredTemplate]:
        """Exact scan: of the rows with a cosine of `at_least`, nearest first, the `limit` after
        the first `skip`; those of the subject `other_than` do not count.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An earlier answer to an `Idempotency-Key`, sealed; gone with its subject."""

    caller: str
    key: str
    subject_id: str
    fingerprint: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


class Answers(Protocol):
    def find(self, collection: Collection, caller: str, key: str) -> StoredAnswer | None: ...

    def add(self, collection: Collection, answer: StoredAnswer) -> None: ...


class ApiKeys(Protocol):
    def find(self, key_id: str) -> tuple[ApiKey, bytes] | None:
        """The key and the SHA-256 of its secret."""
        ...

    def find_by_name(self, name: str) -> ApiKey | None: ...

    def add(self, key: ApiKey, key_id: str, secret_hash: bytes) -> None: ...

    def all(self) -> list[ApiKey]: ...

    def revoke(self, name: str, at: datetime) -> None: ...


class AuditLog(Protocol):
    def append(self, entry: AuditEntry) -> None:
        """Written at the end of the transaction, after everything else in it.

        Its end raises `AuditTampered` where the log's end is not what was written.
        """
        ...

    def begin(self) -> None:
        """Bring what was written before there was a chain into it; nothing where there is one.

        Raises `AuditTampered`.
        """
        ...

    def page(self, query: AuditQuery, limit: int, before: int | None) -> list[AuditRecord]:
        """Up to `limit` records, newest first, those with a smaller number than `before`."""
        ...


class AuditSnapshots(Protocol):
    def audit_snapshot(
        self,
    ) -> AbstractContextManager[tuple[SealedHead | None, Iterable[AuditRecord]]]:
        """Head and records of one moment, by number, a few at a time. Raises as transactions do."""
        ...


class Transaction(Protocol):
    """All of it happens, or nothing does."""

    @property
    def collections(self) -> Collections: ...
    @property
    def subjects(self) -> Subjects: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def audit(self) -> AuditLog: ...


class Gallery(Protocol):
    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block; rolls back where it raises.

        Raises `DatabaseUnavailable` where the database cannot be reached, `Overloaded` where a
        lock or a connection is not to be had in time.
        """
        ...

    def check(self) -> None:
        """Raises `DatabaseUnavailable` or `DatabaseNotMigrated` where it cannot serve."""
        ...
