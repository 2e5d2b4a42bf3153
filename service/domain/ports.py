"""Photographs in, faces and embeddings out.

Who is enrolled, and in which collection.

Who calls, how often, and what is written down about it.

One transaction over all that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.bulk import BulkCandidate, BulkRow, Outcome, Row
from service.domain.callers import ApiKey
from service.domain.chain import SealedHead
from service.domain.collection import (
    Collection,
    SearchVector,
    StoredTemplate,
    Subject,
    WrappedKey,
)
from service.domain.expiry import Expired
from service.domain.face import Detection, Embedding, FaceCrop, Photograph
from service.domain.lockout import Refusals
from service.domain.search import Positions, Shortlist, WriteWatermark, WrittenRows
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


class Telemetry(Protocol):
    """Who is told how long the stages of a call take. Named by `STAGES` of `telemetry.metrics`."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Times the block."""
        ...

    def shortlisted(self, *, found: bool) -> None:
        """A held collection was searched. `found`: whether there was a shortlist."""
        ...


class NoTelemetry:
    """Implements `Telemetry` for the command line and the Python API, where nobody asks."""

    def stage(self, name: str) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()

    def shortlisted(self, *, found: bool) -> None:
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

    def __call__(self, items: Iterable[Row | Outcome]) -> Iterator[BulkCandidate | Outcome]:
        """In the order of `items`, of which only a bounded number is read ahead. A row without a
        usable face is refused; what is an outcome already is passed on.

        Raises `Unavailable`, `Misconfigured`: what no row is to blame for.
        """
        ...


class Collections(Protocol):
    def find(self, name: str) -> Collection | None:
        """The collection with its keys, which stay in use until the end of the transaction.

        Raises `RecordTampered` where it is not as it was written, or was put back after it was
        deleted or its key was destroyed; `AuditTampered`, `MasterKeyInvalid`.
        """
        ...

    def unproved(self, name: str) -> Collection | None:
        """As it is stored, for telling an operator about it: nothing may be decided by it."""
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

    def lock_name(self, name: str) -> None:
        """Until the end of the transaction this one alone makes a collection of that name. Raises
        `Overloaded`.
        """
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
    """People whose time is over are found by `expired` alone: for all else they do not exist.

    What is handed out is as the service wrote it last: reading raises `RecordTampered` for a row that
    was altered, or put back after it was changed or deleted.
    """

    def find(self, collection: Collection, subject_id: str) -> Subject | None: ...

    def is_stored(self, collection: Collection, subject_id: str) -> bool:
        """Whether there is a row, proved or not: whatever was done to it, it can be deleted."""
        ...

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Up to `limit` subjects by id, those after `after`; as they are stored, altered or not, so
        that whoever looks after an alarm sees them.
        """
        ...

    def existing(self, collection: Collection, subject_ids: Sequence[str]) -> set[str]:
        """Those of `subject_ids` who are enrolled. Raises `RecordTampered`."""
        ...

    def require_stored(self, collection: Collection, subject_ids: Sequence[str]) -> None:
        """Raises `RecordTampered` where one of them has templates and is not there, whom a search would
        pass over. A foreign key forbids it, which whoever owns the tables can switch off.
        """
        ...

    def add(self, collection: Collection, subject: Subject) -> None: ...

    def add_all(self, collection: Collection, subjects: Sequence[Subject]) -> None: ...

    def update(self, collection: Collection, subject: Subject) -> None:
        """Write all that is known of a subject who exists."""
        ...

    def expired(
        self, collection: Collection, limit: int, among: Sequence[str] | None = None
    ) -> list[str]:
        """The ids of up to `limit` people whose time is over; `among`: the only ones that count.
        Altered rows are not among them, and told to the operator.
        """
        ...

    def count_expired(self, collection: Collection) -> Expired:
        """How many people's time is over. Where that is nobody, `people` may be 0 as well."""
        ...

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Remove the subject and all that hangs on it; returns how many templates went."""
        ...


class Templates(Protocol):
    """Rows as they are stored: whose they are, and that these are still enrolled, is told by
    `Subjects`. Only `count` and `any` leave out those of people whose time is over.
    """

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

    def mark(self, collection: Collection) -> WriteWatermark:
        """How far writing has come, as far as others have ended their transactions."""
        ...

    def marks(self) -> list[WriteWatermark]:
        """Those of all collections."""
        ...

    def recount(self, collection: Collection) -> None:
        """Count the rows that are there, whatever was known of them: once an operator has looked at
        what was altered. Nobody may write any meanwhile.
        """
        ...

    def begin_epochs(self) -> None:
        """From now on the positions of every collection are other ones than they were: nothing
        that anybody knows about them holds any longer.
        """
        ...

    def listed(self, collection_id: UUID, positions: Positions, after: int) -> list[WrittenRows]:
        """The rows at these positions, and all after a position; the expired too."""
        ...

    def are_spread(self) -> bool:
        """Whether they are on several servers, so that positions tell nothing of what is there."""
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
class IdempotentResponse:
    """An earlier answer to an `Idempotency-Key`, sealed; gone with its subject. `key_digest`: a keyed
    hash of whose key it was in which collection, which stays for a while.
    """

    caller: str
    key: str
    subject_id: str
    fingerprint: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    key_digest: bytes = field(repr=False)


class Answers(Protocol):
    """Those about people whose time is over do not exist."""

    def is_of_somebody_gone(self, key_digest: bytes) -> bool:
        """Whether an answer under this key was about somebody who is no longer enrolled, in whatever
        way they went.
        """
        ...

    def forget_keys(self) -> None:
        """Of people who went so long ago that no retry comes any more."""
        ...

    def find(self, collection: Collection, caller: str, key: str) -> IdempotentResponse | None: ...

    def of(self, collection: Collection, subject_id: str) -> list[IdempotentResponse]: ...

    def add(self, collection: Collection, answer: IdempotentResponse) -> None: ...


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
        self, collection: Collection, key_id: UUID, after: IdempotentResponse | None, limit: int
    ) -> list[IdempotentResponse]: ...

    def replace_templates(
        self, collection: Collection, templates: Sequence[StoredTemplate]
    ) -> None: ...

    def replace_subjects(self, collection: Collection, subjects: Sequence[Subject]) -> None: ...

    def replace_answers(
        self, collection: Collection, answers: Sequence[IdempotentResponse]
    ) -> None: ...


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

    def keyed_hash(self, content: bytes) -> bytes:
        """32 bytes, by the log's own key: it outlives collections and changes of their keys.

        Raises `AuditTampered`, `MasterKeyInvalid`.
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


@dataclass(frozen=True, slots=True)
class PeopleProved:
    """How many rows of people are as they were written last, and how many are not. `some`: the ids
    of a few of those.
    """

    genuine: int
    altered: int
    some: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AuditSnapshot:
    """The log and what it vouches for, of one moment, as it is stored: proved or not.

    `records`: by number. `registry`: its content; None where there is none. `api_keys`: each with its
    id and its secret's hash. `people`: those of a collection, held against the log. `search_rows`: how
    many of its templates are not searched by what was written. `enrolled`: how
    many people there are by the log. `empty`: whether there is nothing at all. Whatever can be many is
    read a few at a time.
    """

    head: SealedHead | None
    records: Iterable[AuditRecord]
    registry: bytes | None
    collections: Iterable[Collection]
    api_keys: Iterable[tuple[ApiKey, str, bytes]]
    people: Callable[[Collection], PeopleProved]
    search_rows: Callable[[Collection], int]
    enrolled: Callable[[], int]
    empty: bool


class AuditSnapshots(Protocol):
    def audit_snapshot(self) -> AbstractContextManager[AuditSnapshot]:
        """Raises as transactions do."""
        ...


@dataclass(frozen=True, slots=True)
class SubjectForComparison:
    """Whom a face is compared with. `refusals`: by the key that sent the faces, empty where none
    are counted; `templates`: empty where there is no such subject.
    """

    collection: Collection
    refusals: Mapping[str, Refusals]
    templates: Sequence[StoredTemplate]


class FailedComparisons(Protocol):
    def lock_subject(self, collection: Collection, subject_id: str) -> None:
        """Until the end of the transaction nobody else compares a face with this subject."""
        ...

    def of(self, collection: Collection, subject_id: str) -> Mapping[str, Refusals]:
        """By the key that sent the faces."""
        ...

    def subject(
        self, collection: Collection, subject_id: str, *, counted: bool
    ) -> SubjectForComparison:
        """`counted`: refusals are, and so the subject is locked first."""
        ...

    def subject_in(
        self, name: str, subject_id: str, *, counted: bool
    ) -> SubjectForComparison | None:
        """The same in the collection of this name; None where there is none."""
        ...

    def put(self, collection: Collection, subject_id: str, caller: str, refusals: Refusals) -> None:
        """Write it, in place of what was there. The subject must exist."""
        ...

    def delete(
        self, collection: Collection, subject_id: str, callers: Sequence[str] | None = None
    ) -> None:
        """Those of `callers`; None: all."""
        ...


class RateLimit(Protocol):
    """So many calls by one caller in a time, counted over every process that serves.

    Both raise `DatabaseUnavailable` or `Overloaded` where the counts cannot be had: what cannot
    be counted is not let in.
    """

    def count(self, who: str) -> None:
        """One more call by `who`. Raises `RateLimited` where it is one too many."""
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
    @property
    def sealed_rows(self) -> SealedRows: ...
    @property
    def failed_comparisons(self) -> FailedComparisons: ...

    def server_time(self) -> datetime:
        """What the database's own clock shows at this moment."""
        ...


class Gallery(Protocol):
    def transaction(self, *waits_for: str) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block; rolls back where it raises.

        `waits_for`: whose lock the block will ask for, a collection's name or that and a subject's:
        only a few of a process may hold a connection while they wait for the same one.

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
