"""People put into the gallery without an enrollment: the rows that one makes, and no audit record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from service.domain.collection import Collection, StoredTemplate, Subject
from service.storage.transaction import Transaction


def add_people(
    tx: Transaction,
    collection: Collection,
    templates: Sequence[StoredTemplate],
    enrolled_at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Everybody who has one of `templates`."""
    theirs: dict[str, list[UUID]] = defaultdict(list)
    for row in templates:
        theirs[row.subject_id].append(row.template_id)
    people = [
        Subject(name, enrolled_at, template_ids=tuple(ids), expires_at=expires_at)
        for name, ids in theirs.items()
    ]
    tx.subjects.add_all(collection, people)
    tx.templates.add_all(collection, templates)
