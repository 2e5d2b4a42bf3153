"""From a collection's retiring key to its active one: all that is sealed, in small steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from service.domain.collection import Collection, StoredTemplate, Subject
from service.domain.errors import Overloaded, TemplateTampered
from service.storage.idempotency import IdempotentResponse
from service.storage.sealed_rows import SealedRows
from service.storage.storage import Storage
from service.usecases.enrollment import CONSENT, METADATA
from service.usecases.idempotency import reseal_answer
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.vault.vault import Vault

ROWS_AT_A_TIME = 100
"""Rows that one transaction moves. A call that changes one of them waits that long, about 0.1 s."""

Row = TypeVar("Row", StoredTemplate, Subject, IdempotentResponse)


class Progress(Protocol):
    def __call__(self, moved: int, total: int) -> None:
        """`moved` of the `total` rows that were under the old key when this run began."""


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Row]):
    """How one kind of row is read, sealed anew and written."""

    read: Callable[[SealedRows, Collection, UUID, Row | None, int], list[Row]]
    reseal: Callable[[UnlockedCollection, Row], Row]
    write: Callable[[SealedRows, Collection, Sequence[Row]], None]


class Resealing:
    """One run. `moved`: how many rows it has moved so far."""

    def __init__(
        self, storage: Storage, vault: Vault, collection_name: str, progress: Progress
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._name = collection_name
        self._progress = progress
        self._altered = 0
        self.moved = 0

    def move_all(self) -> None:
        """Until nothing is under the retiring key any more. Rows under it only get fewer: nobody
        seals with it.

        Raises `TemplateTampered` where rows do not open, `Overloaded` where calls held on to rows
        during a whole walk; whatever could be moved is moved.
        """
        while left := self._left():
            before, self._altered = self.moved, 0
            total = self.moved + left
            self._progress(self.moved, total)
            self._walk(_TEMPLATES, total)
            self._walk(_SUBJECTS, total)
            self._walk(_RESPONSES, total)
            if self.moved == before:
                raise TemplateTampered if self._altered else Overloaded

    def _left(self) -> int:
        with self._storage.transaction() as tx:
            collection = require_collection(tx, self._name)
            retiring = collection.keys.retiring
            return tx.sealed_rows.count(collection, retiring.key_id) if retiring else 0

    def _walk(self, kind: _Kind[Row], total: int) -> None:
        last: Row | None = None
        while rows := self._step(kind, last):
            last = rows[-1]
            self._progress(self.moved, max(total, self.moved))

    def _step(self, kind: _Kind[Row], after: Row | None) -> list[Row]:
        """Moves the next rows, all of them or none; returns them as they were."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, self._name)
            retiring = collection.keys.retiring
            if retiring is None:  # another run, at the same time, has finished
                return []
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            rows = kind.read(tx.sealed_rows, collection, retiring.key_id, after, ROWS_AT_A_TIME)
            resealed = [new for row in rows if (new := self._resealed(kind, unlocked, row))]
            if resealed:
                kind.write(tx.sealed_rows, collection, resealed)
        self.moved += len(resealed)
        return rows

    def _resealed(self, kind: _Kind[Row], unlocked: UnlockedCollection, row: Row) -> Row | None:
        """None for a row that was altered: it stays as it is, for the operator to look at."""
        try:
            return kind.reseal(unlocked, row)
        except TemplateTampered:
            self._altered += 1
            return None


def _reseal_subject(unlocked: UnlockedCollection, subject: Subject) -> Subject:
    name = subject.subject_id

    def moved(purpose: str, sealed: bytes | None) -> bytes | None:
        return None if sealed is None else unlocked.reseal_note(name, purpose, name, sealed)

    return replace(
        subject,
        metadata=moved(METADATA, subject.metadata),
        consent=moved(CONSENT, subject.consent),
    )


_TEMPLATES: _Kind[StoredTemplate] = _Kind(
    lambda rows, *place: rows.templates(*place),
    UnlockedCollection.reseal,
    lambda rows, *moved: rows.replace_templates(*moved),
)
_SUBJECTS: _Kind[Subject] = _Kind(
    lambda rows, *place: rows.subjects(*place),
    _reseal_subject,
    lambda rows, *moved: rows.replace_subjects(*moved),
)
_RESPONSES: _Kind[IdempotentResponse] = _Kind(
    lambda rows, *place: rows.idempotent_responses(*place),
    reseal_answer,
    lambda rows, *moved: rows.replace_idempotent_responses(*moved),
)
