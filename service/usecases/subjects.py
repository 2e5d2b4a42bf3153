"""Who is enrolled: lists and single entries, never a vector."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.domain.collection import Subject
from service.domain.errors import SubjectNotFound
from service.domain.ports import Gallery, Vault
from service.usecases.people import OpenCollection, require_collection
from service.usecases.terms import METADATA, open_consent


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    subject_id: str
    collection: str
    templates: int
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class SubjectDetails:
    """`expires_at`: the earlier of the person's own and the collection's; None for neither."""

    summary: SubjectSummary
    model_ids: Sequence[str]
    metadata: dict[str, Any] | None
    expires_at: datetime | None
    consent_reference: str | None


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """`next_cursor`: where the next page starts; None on the last."""

    subjects: Sequence[SubjectSummary]
    next_cursor: str | None


class Subjects:
    def __init__(self, gallery: Gallery, vault: Vault) -> None:
        self._gallery = gallery
        self._vault = vault

    def page(self, collection_name: str, limit: int, after: str | None) -> SubjectPage:
        """Raises `CollectionNotFound`."""
        with self._gallery.transaction() as tx:
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
        with self._gallery.transaction() as tx:
            collection = require_collection(tx, collection_name)
            subject = tx.subjects.find(collection, subject_id)
            if subject is None:
                raise SubjectNotFound
            rows = tx.templates.of(collection, subject_id)
        people = OpenCollection.unlock(collection, self._vault)
        return SubjectDetails(
            SubjectSummary(subject_id, collection_name, len(rows), subject.enrolled_at),
            sorted({row.model_id for row in rows}),
            open_metadata(people, subject),
            subject.expiry(collection.settings),
            open_consent(people, subject),
        )


def open_metadata(people: OpenCollection, subject: Subject) -> dict[str, Any] | None:
    """Raises `TemplateTampered`."""
    if subject.metadata is None:
        return None
    name = subject.subject_id
    metadata: dict[str, Any] = json.loads(people.open_note(name, METADATA, name, subject.metadata))
    return metadata
