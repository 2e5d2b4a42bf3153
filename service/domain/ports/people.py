"""Who is enrolled, and in which collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from service.domain.collection import Collection, SearchVector, StoredTemplate, Subject
from service.domain.purge import Expired
from service.domain.search import Positions, Shortlist, WriteMark, WrittenRows


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

    def mark(self, collection: Collection) -> WriteMark:
        """How far writing has come, as far as others have ended their transactions."""
        ...

    def marks(self) -> list[WriteMark]:
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
class StoredAnswer:
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
