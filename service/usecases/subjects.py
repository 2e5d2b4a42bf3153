"""Who is enrolled, in lists and one by one, never with a vector; and all that is held about a person,
exported for that person (GDPR, Art. 15 and 20).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.domain.audit import Action, AuditEntry
from service.domain.collection import IdempotentResponse, StoredTemplate, Subject
from service.domain.errors import SubjectNotFound
from service.domain.expiry import expiry_of
from service.domain.face import Embedding
from service.domain.flagged_duplicate import FlaggedDuplicate
from service.domain.lockout import Refusals
from service.domain.template import PlainTemplate
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.enrollment import METADATA, open_consent
from service.usecases.lockouts import Lockout
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    lock_collection,
    require_collection,
)

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    subject_id: str
    collection: str
    templates: int
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class SubjectDetails:
    """`expires_at`: the earlier of the person's own and the collection's; None for neither. `locked_until`:
    for whichever key it is longest; None where every key may verify them.
    """

    summary: SubjectSummary
    model_ids: Sequence[str]
    metadata: dict[str, Any] | None
    expires_at: datetime | None
    consent_reference: str | None
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class ChangedSubject:
    """As they are from now on, and the record of what was done."""

    details: SubjectDetails
    audit_id: UUID


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """`next_cursor`: where the next page starts; None on the last."""

    subjects: Sequence[SubjectSummary]
    next_cursor: str | None


class Subjects:
    def __init__(self, storage: Storage, vault: Vault, lockout: Lockout) -> None:
        self._storage = storage
        self._vault = vault
        self._lockout = lockout

    def page(self, collection_name: str, limit: int, after: str | None) -> SubjectPage:
        """Raises `CollectionNotFound`."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, collection_name)
            rows = tx.subjects.page(collection, limit + 1, after)
        shown = [
            SubjectSummary(row.subject_id, collection_name, row.templates, row.enrolled_at)
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        return SubjectPage(shown, shown[-1].subject_id if more else None)

    def show(self, subject_id: str, collection_name: str) -> SubjectDetails:
        """Raises `CollectionNotFound`, `SubjectNotFound`, `TemplateTampered`."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, collection_name)
            subject = tx.subjects.find(collection, subject_id)
            if subject is None:
                raise SubjectNotFound
            rows = tx.templates.of(collection, subject_id)
            locked_until = self._lockout.ends(tx, collection, subject_id)
        unlocked = UnlockedCollection.unlock(collection, self._vault)
        return details_of(unlocked, subject, rows, locked_until)


def details_of(
    unlocked: UnlockedCollection,
    subject: Subject,
    rows: Sequence[StoredTemplate],
    locked_until: datetime | None,
) -> SubjectDetails:
    """`rows`: their templates. Raises `TemplateTampered`."""
    collection = unlocked.collection
    return SubjectDetails(
        SubjectSummary(subject.subject_id, collection.name, len(rows), subject.enrolled_at),
        sorted({row.model_id for row in rows}),
        open_metadata(unlocked, subject),
        expiry_of(subject, collection.settings),
        open_consent(unlocked, subject),
        locked_until,
    )


def open_metadata(unlocked: UnlockedCollection, subject: Subject) -> dict[str, Any] | None:
    """Raises `TemplateTampered`."""
    if subject.metadata is None:
        return None
    name = subject.subject_id
    metadata: dict[str, Any] = json.loads(
        unlocked.open_note(name, METADATA, name, subject.metadata)
    )
    return metadata


@dataclass(frozen=True, slots=True)
class ExportedTemplate:
    """`embedding`: opened, (512,) float32, norm 1. `samples`: of how many photographs, frames and given
    embeddings it is the mean.
    """

    template_id: UUID
    model_id: str
    created_at: datetime
    samples: int
    embedding: Embedding = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exported:
    """`audit`: since the person's enrollment, this export included: an id may have been somebody
    else's before. `answers`: that earlier answers are kept; they may name other people, so not
    what they say (Art. 15, 4). `refusals`: of faces under this id, by the key that sent them.
    `duplicates`: with another one, who is not to be told.
    """

    subject_id: str
    collection: str
    enrolled_at: datetime
    expires_at: datetime | None
    consent_reference: str | None = field(repr=False)
    metadata: dict[str, Any] | None = field(repr=False)
    templates: Sequence[ExportedTemplate]
    audit: Sequence[AuditEntry]
    answers: Sequence[IdempotentResponse]
    refusals: Mapping[str, Refusals]
    duplicates: Sequence[FlaggedDuplicate]
    exported_at: datetime
    audit_id: UUID


class Export:
    """Looks at one person under the lock of the collection, so that what it shows belongs
    together; and records that it did.
    """

    def __init__(self, storage: Storage, vault: Vault, audit: AuditRecorder) -> None:
        self._storage = storage
        self._vault = vault
        self._audit = audit

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> Exported:
        """Raises `CollectionNotFound`, `SubjectNotFound`, `TemplateTampered`."""
        with self._storage.transaction(collection_name) as tx:
            unlocked = UnlockedCollection.unlock(lock_collection(tx, collection_name), self._vault)
            subject = tx.subjects.find(unlocked.collection, subject_id)
            if subject is None:
                raise SubjectNotFound
            return self._export(tx, unlocked, subject, caller)

    def _export(
        self, tx: Transaction, unlocked: UnlockedCollection, subject: Subject, caller: str
    ) -> Exported:
        collection = unlocked.collection
        entry = self._audit.record(tx, Action.EXPORT, caller, collection, subject.subject_id)
        pseudonym = unlocked.pseudonyms.pseudonym(subject.subject_id)
        return Exported(
            subject_id=subject.subject_id,
            collection=collection.name,
            enrolled_at=subject.enrolled_at,
            expires_at=expiry_of(subject, collection.settings),
            consent_reference=open_consent(unlocked, subject),
            metadata=open_metadata(unlocked, subject),
            templates=_templates(tx, unlocked, subject.subject_id),
            audit=tx.audit.about(pseudonym),
            answers=tx.idempotency.of(collection, subject.subject_id),
            refusals=tx.failed_comparisons.of(collection, subject.subject_id),
            duplicates=[
                row.flagged for row in tx.flagged_duplicates.of(collection, [subject.subject_id])
            ],
            exported_at=entry.at,
            audit_id=entry.audit_id,
        )


def _templates(
    tx: Transaction, unlocked: UnlockedCollection, subject_id: str
) -> list[ExportedTemplate]:
    rows = tx.templates.of(unlocked.collection, subject_id)
    return [_opened(row, unlocked.open(row)) for row in rows]


def _opened(row: StoredTemplate, plain: PlainTemplate) -> ExportedTemplate:
    return ExportedTemplate(
        row.template_id, row.model_id, row.created_at, plain.samples, plain.embedding
    )
