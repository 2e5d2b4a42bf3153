"""Everything that is held about a person, for that person (GDPR, Art. 15 and 20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.collection import Subject
from service.domain.errors import SubjectNotFound
from service.domain.face import Embedding
from service.domain.lockout import Refusals
from service.domain.ports import Gallery, StoredAnswer, Transaction, Vault
from service.usecases.people import OpenCollection, lock_collection
from service.usecases.subjects import open_metadata
from service.usecases.terms import open_consent


@dataclass(frozen=True, slots=True)
class ExportedTemplate:
    """`embedding`: opened, (512,) float32, norm 1."""

    template_id: UUID
    model_id: str
    created_at: datetime
    embedding: Embedding = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exported:
    """`audit`: since the person's enrollment, this export included: an id may have been somebody
    else's before. `answers`: that earlier answers are kept; they may name other people, so not
    what they say (Art. 15, 4). `refusals`: of faces under this id, by the key that sent them.
    """

    subject_id: str
    collection: str
    enrolled_at: datetime
    expires_at: datetime | None
    consent_reference: str | None = field(repr=False)
    metadata: dict[str, Any] | None = field(repr=False)
    templates: Sequence[ExportedTemplate]
    audit: Sequence[AuditEntry]
    answers: Sequence[StoredAnswer]
    refusals: Mapping[str, Refusals]
    exported_at: datetime
    audit_id: UUID


class Export:
    """Looks at one person under the lock of the collection, so that what it shows belongs
    together; and writes down that it did.
    """

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> Exported:
        """Raises `CollectionNotFound`, `SubjectNotFound`, `TemplateTampered`."""
        with self._gallery.transaction(collection_name) as tx:
            people = OpenCollection.unlock(lock_collection(tx, collection_name), self._vault)
            subject = tx.subjects.find(people.collection, subject_id)
            if subject is None:
                raise SubjectNotFound
            return self._export(tx, people, subject, caller)

    def _export(
        self, tx: Transaction, people: OpenCollection, subject: Subject, caller: str
    ) -> Exported:
        collection, now = people.collection, self._clock()
        pseudonym = people.names.pseudonym(subject.subject_id)
        entry = AuditEntry(uuid4(), now, caller, Action.EXPORT, collection.name, pseudonym)
        tx.audit.append(entry)
        return Exported(
            subject_id=subject.subject_id,
            collection=collection.name,
            enrolled_at=subject.enrolled_at,
            expires_at=subject.expiry(collection.settings),
            consent_reference=open_consent(people, subject),
            metadata=open_metadata(people, subject),
            templates=_templates(tx, people, subject.subject_id),
            audit=tx.audit.about(pseudonym, subject.enrolled_at),
            answers=tx.answers.of(collection, subject.subject_id),
            refusals=tx.failed_comparisons.of(collection, subject.subject_id),
            exported_at=now,
            audit_id=entry.audit_id,
        )


def _templates(tx: Transaction, people: OpenCollection, subject_id: str) -> list[ExportedTemplate]:
    return [
        ExportedTemplate(row.template_id, row.model_id, row.created_at, people.open(row).embedding)
        for row in tx.templates.of(people.collection, subject_id)
    ]
