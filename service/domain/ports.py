"""What the use cases need from the outside. Each adapter room holds one side of a port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.bulk import BulkRow, Candidate, Outcome, Row
from service.domain.callers import ApiKey
from service.domain.chain import SealedHead
from service.domain.collection import (
    Collection,
    CollectionKeys,
    SealContext,
    SearchVector,
    StoredTemplate,
    Subject,
    WrappedKey,
)
from service.domain.face import Detection, Embedding, FaceCrop, Photograph
from service.domain.lockout import Refusals
from service.domain.search import Positions, Shortlist, Vectors, WriteMark, WrittenRows
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


class CollectionKey(Protocol):
    """A collection's data key, open, and what can be done with it."""

    @property
    def key_id(self) -> UUID: ...

    def seal(self, plain: bytes, context: SealContext) -> bytes: ...

    def open(self, sealed: bytes, context: SealContext) -> bytes:
        """Raises `TemplateTampered`."""
        ...

    def is_named_by(self, sealed: bytes) -> bool:
        """Whether the value says that it was sealed with this key; opening it proves it."""
        ...

    def to_search_space(self, embedding: Embedding) -> SearchVector: ...

    def all_to_search_space(self, embeddings: Vectors) -> Vectors:
        """Many at once: (n, 512)."""
        ...

    def chain(self, content: bytes) -> bytes:
        """A keyed hash of a record of the audit log: 32 bytes."""
        ...


class NameKey(Protocol):
    """A collection's key for keyed hashes, open."""

    def pseudonym(self, subject_id: str) -> bytes:
        """A keyed hash of the subject's name: 32 bytes, the same for the same subject."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash of a request: 32 bytes."""
        ...


class Vault(Protocol):
    """Everything here raises `KeyServiceUnavailable` where the master key is kept elsewhere and
    that place does not answer.
    """

    def new_key(self, collection_id: UUID) -> WrappedKey:
        """A data key, for a collection or for what stands in the place of one."""
        ...

    def new_keys(self, collection_id: UUID, now: datetime) -> CollectionKeys:
        """The keys of a new collection."""
        ...

    def next_keys(self, collection_id: UUID, keys: CollectionKeys, now: datetime) -> CollectionKeys:
        """A new active key, the present one retiring; names stay what they are.

        `keys`: with none retiring. Raises `MasterKeyInvalid`.
        """
        ...

    def unlock(self, collection_id: UUID, key: WrappedKey) -> CollectionKey:
        """Raises `MasterKeyInvalid` where the key was wrapped under another master key."""
        ...

    def unlock_names(self, collection_id: UUID, keys: CollectionKeys) -> NameKey:
        """Raises `MasterKeyInvalid`."""
        ...


class Rewrapping(Protocol):
    """From one master key to another."""

    def __call__(self, collection_id: UUID, keys: CollectionKeys) -> CollectionKeys:
        """The same keys, wrapped under the new master key, and opened with it as a proof.

        Raises `MasterKeyInvalid` where the old one does not open them, `KeyServiceUnavailable`.
        """
        ...


class Collections(Protocol):
    def find(self, name: str) -> Collection | None:
        """The collection with its keys, which stay in use until the end of the transaction."""
        ...

    def names(self) -> list[str]:
        """Those of all collections, in order."""
        ...

    def lock_purge(self, *, wait: bool) -> bool:
        """Until the end of the transaction nobody else purges; False where somebody does already
        and `wait` is false.
        """
        ...

    def lock(self, collection: Collection) -> None:
        """Until the end of the transaction nobody else changes this collection's people."""
        ...

    def add(self, collection: Collection) -> None: ...

    def update(self, collection: Collection) -> None:
        """Write settings and model of the collection with this id."""
        ...

    def lock_keys(self, name: str) -> None:
        """Until the end of the transaction this one alone knows the collection's keys.

        For changing them: comes before `find`. Waits a second at most, since every call on the
        collection waits meanwhile. Raises `Overloaded`.
        """
        ...

    def lock_all_keys(self) -> None:
        """Until the end of the transaction no collection gets, changes or loses a key; calls go on.

        Raises `Overloaded`.
        """
        ...

    def set_keys(self, collection: Collection) -> None:
        """Write the keys of the collection with this id; a key that is not among them is gone."""
        ...

    def delete(self, collection: Collection) -> int:
        """Remove it, its key and its people; returns how many templates went."""
        ...


class Subjects(Protocol):
    """People whose time is over are found by `expired` alone: for all else they do not exist."""

    def find(self, collection: Collection, subject_id: str) -> Subject | None: ...

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Up to `limit` subjects by id, those after `after`."""
        ...

    def add(self, collection: Collection, subject: Subject) -> None: ...

    def existing(self, collection: Collection, subject_ids: Sequence[str]) -> set[str]:
        """Those of `subject_ids` who are enrolled."""
        ...

    def add_all(self, collection: Collection, subjects: Sequence[Subject]) -> None: ...

    def set_metadata(self, collection: Collection, subject: Subject) -> None: ...

    def set_terms(self, collection: Collection, subject: Subject) -> None:
        """Write consent and expiry; what is None stays as it was."""
        ...

    def expired(
        self, collection: Collection, limit: int, among: Sequence[str] | None = None
    ) -> list[str]:
        """The ids of up to `limit` people whose time is over; `among`: the only ones that count."""
        ...

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Remove the subject and all that hangs on it; returns how many templates went."""
        ...


class Templates(Protocol):
    """Those of people whose time is over do not exist."""

    def of(self, collection: Collection, subject_id: str) -> list[StoredTemplate]: ...

    def of_all(
        self, collection: Collection, subject_ids: Sequence[str]
    ) -> list[StoredTemplate]: ...

    def add(self, collection: Collection, template: StoredTemplate) -> None: ...

    def add_all(self, collection: Collection, templates: Sequence[StoredTemplate]) -> None: ...

    def delete_of(self, collection: Collection, subject_id: str) -> int: ...

    def count(self, collection: Collection, after: int = 0) -> int:
        """Those after a position."""
        ...

    def any(self, collection: Collection) -> bool: ...

    def nearest(
        self,
        collection: Collection,
        probes: Mapping[UUID, SearchVector],
        at_least: float,
        limit: int,
        skip: int = 0,
        other_than: str | None = None,
        among: Shortlist | None = None,
    ) -> list[StoredTemplate]:
        """Exact scan: of the rows with a cosine of `at_least`, nearest first, the `limit` after
        the first `skip`; those of the subject `other_than` do not count.

        `among`: only rows that are on this list, or newer than it.

        `probes`: the probe as each data key in use rotates it. A row is compared with the one of
        its own key, so that it is found at every moment of a rotation.
        """
        ...

    def mark(self, collection: Collection) -> WriteMark:
        """How far writing has come, as far as others have ended their transactions."""
        ...

    def marks(self) -> list[WriteMark]:
        """Those of all collections."""
        ...

    def begin_epochs(self) -> None:
        """From now on the positions of every collection are other ones than they were: nothing
        that anybody knows about them holds any longer.
        """
        ...

    def written_between(
        self, collection_id: UUID, after: int, up_to: int, limit: int
    ) -> list[WrittenRows]:
        """The first `limit` rows after a position, up to another one; the expired too."""
        ...

    def written_at(self, collection_id: UUID, positions: Positions) -> list[WrittenRows]:
        """Those of the rows at these positions that still are there; the expired too."""
        ...

    def positions_up_to(self, collection_id: UUID, up_to: int) -> Positions:
        """Every position at which there is a row."""
        ...

    def at(self, collection: Collection, positions: Sequence[int]) -> dict[int, StoredTemplate]:
        """By position, where there still is one."""
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
    """Those about people whose time is over do not exist."""

    def find(self, collection: Collection, caller: str, key: str) -> StoredAnswer | None: ...

    def of(self, collection: Collection, subject_id: str) -> list[StoredAnswer]: ...

    def add(self, collection: Collection, answer: StoredAnswer) -> None: ...


class SealedRows(Protocol):
    """All that is sealed under one key, to be moved to another one.

    What is read is locked for this transaction; what others have locked is passed over.
    """

    def count(self, collection: Collection, key_id: UUID) -> int:
        """Rows of any kind that hold something sealed under this key."""
        ...

    def templates(
        self, collection: Collection, key_id: UUID, after: StoredTemplate | None, limit: int
    ) -> list[StoredTemplate]: ...

    def subjects(
        self, collection: Collection, key_id: UUID, after: Subject | None, limit: int
    ) -> list[Subject]:
        """Those of whom metadata or consent is sealed under this key."""
        ...

    def answers(
        self, collection: Collection, key_id: UUID, after: StoredAnswer | None, limit: int
    ) -> list[StoredAnswer]: ...

    def replace_templates(
        self, collection: Collection, templates: Sequence[StoredTemplate]
    ) -> None: ...

    def replace_subjects(self, collection: Collection, subjects: Sequence[Subject]) -> None: ...

    def replace_answers(self, collection: Collection, answers: Sequence[StoredAnswer]) -> None: ...


class ApiKeys(Protocol):
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

    def about(self, subject: bytes, since: datetime) -> list[AuditEntry]:
        """What was written about a person, known by the keyed hash, oldest first; in this
        transaction too."""
        ...

    def rewrap(self, rewrapped: Callable[[WrappedKey], WrappedKey]) -> None:
        """Wrap the log's own key anew, after everything that was appended. Comes last: thereafter
        this transaction can write nothing down.

        Raises `AuditTampered`, `MasterKeyInvalid`, and what `rewrapped` raises.
        """
        ...


class AuditSnapshots(Protocol):
    def audit_snapshot(
        self,
    ) -> AbstractContextManager[tuple[SealedHead | None, Iterable[AuditRecord]]]:
        """Head and records of one moment, by number, a few at a time. Raises as transactions do."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """Whom a face is judged against. `refusals`: None where there were none, or none are counted;
    `templates`: empty where there is no such subject.
    """

    collection: Collection
    refusals: Refusals | None
    templates: Sequence[StoredTemplate]


class Attempts(Protocol):
    def lock(self, collection: Collection, subject_id: str) -> None:
        """Until the end of the transaction nobody else judges a face against this subject."""
        ...

    def find(self, collection: Collection, subject_id: str) -> Refusals | None: ...

    def trial(self, collection: Collection, subject_id: str, *, counted: bool) -> Judged:
        """What a face is judged by. `counted`: refusals are, and so the subject is locked first."""
        ...

    def trial_in(self, name: str, subject_id: str, *, counted: bool) -> Judged | None:
        """The same in the collection of this name; None where there is none."""
        ...

    def put(self, collection: Collection, subject_id: str, refusals: Refusals) -> None:
        """Write it, in place of what was there. The subject must exist."""
        ...

    def delete(self, collection: Collection, subject_id: str) -> None: ...


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
    @property
    def sealed_rows(self) -> SealedRows: ...
    @property
    def attempts(self) -> Attempts: ...


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


class KeyGallery(Gallery, Protocol):
    def find_api_key(self, key_id: str) -> tuple[ApiKey, bytes] | None:
        """The key and the SHA-256 of its secret, as committed at this moment: outside of any
        transaction, since every call asks. Raises as `transaction` does.
        """
        ...


class RateLimit(Protocol):
    """So many calls by one caller in a time, counted over every process that serves.

    Both raise `DatabaseUnavailable` or `Overloaded` where the counts cannot be had: what cannot
    be counted is not let in.
    """

    def count(self, who: str) -> None:
        """One more call by `who`. Raises `RateLimited` where it is one too many."""
        ...

    def check(self, who: str) -> None:
        """Raises `RateLimited` where another call would be one too many; counts nothing."""
        ...
