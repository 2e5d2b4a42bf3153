"""Who calls, how often, and what is written down about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.callers import ApiKey
from service.domain.chain import SealedHead
from service.domain.collection import Collection, StoredTemplate, WrappedKey
from service.domain.lockout import Refusals


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
