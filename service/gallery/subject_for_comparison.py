"""What a face is compared with: the subject's refusals so far, and their templates. One trip.

Every verification reads this, so that it is spared SQLAlchemy's part, and the text of 512 numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, LargeBinary, bindparam, func, select, text

from service.domain.collection import Collection, SearchVector, StoredTemplate
from service.domain.lockout import Refusals
from service.domain.ports import SubjectForComparison
from service.gallery.subject_proof import PostgresSubjectProof, Stored
from service.gallery.subjects import stored_subject
from service.gallery.tables import failed_comparisons, subjects, templates
from service.gallery.together import Rows, run, written

_LOCK = written(text("SELECT pg_advisory_xact_lock(:lock)"))

_REFUSALS = written(
    select(
        failed_comparisons.c.caller,
        failed_comparisons.c.refusals,
        failed_comparisons.c.since,
        failed_comparisons.c.locked_until,
    ).where(
        failed_comparisons.c.collection_id == bindparam("collection_id"),
        failed_comparisons.c.subject_id == bindparam("subject_id"),
    )
)

_SEARCH_HEADER_BYTES = 4
_SEARCH_NUMBER = np.dtype(">f2")
"""As pgvector sends a `halfvec`: how many numbers, two unused bytes, then the numbers."""

_TERM = written(
    select(*subjects.columns).where(
        subjects.c.collection_id == bindparam("collection_id"),
        subjects.c.subject_id == bindparam("subject_id"),
    )
)
"""In a statement of its own: to find the best order of a join takes PostgreSQL longer than both."""

_TEMPLATES = written(
    select(
        *(column for column in templates.columns if column is not templates.c.search),
        func.halfvec_send(templates.c.search, type_=LargeBinary()).label("search"),
    )
    .where(
        templates.c.collection_id == bindparam("collection_id"),
        templates.c.subject_id == bindparam("subject_id"),
    )
    .order_by(templates.c.created_at, templates.c.template_id)
)

COUNTED = f"{_LOCK}; {_REFUSALS}; {_TERM}; {_TEMPLATES}"
"""Its last three once nobody else holds the lock, which is kept until the transaction ends."""

UNCOUNTED = f"{_TERM}; {_TEMPLATES}"


def refusals_of(
    connection: Connection, collection: Collection, subject_id: str
) -> dict[str, Refusals]:
    """By the key that sent the faces."""
    whose = {"collection_id": collection.collection_id, "subject_id": subject_id}
    [rows] = run(connection, _REFUSALS, whose)
    return _refusals(rows)


def subject_of(
    first: Sequence[Rows],
    again: Callable[[], Sequence[Rows]],
    collection: Collection,
    now: datetime,
    proof: PostgresSubjectProof,
) -> SubjectForComparison:
    """From the rows of `COUNTED` or of `UNCOUNTED`, as they came first or come `again`. Raises
    `RecordTampered`.
    """
    readings: list[Sequence[Rows]] = []

    def read() -> list[Stored]:
        readings.append(again() if readings else first)
        return _stored(readings[-1])

    stored = proof.settled(collection, read)
    *counted, _, found = readings[-1]
    kept = any(not subject.is_over(collection.settings, now) for subject, _ in stored)
    templates = [_template(row) for row in found] if kept else []
    return SubjectForComparison(collection, _refusals(counted[-1] if counted else []), templates)


def _stored(rows: Sequence[Rows]) -> list[Stored]:
    *_, terms, found = rows
    theirs = [row["template_id"] for row in found]
    return [(stored_subject({**row, "template_ids": theirs}), row["seal"]) for row in terms]


def _refusals(rows: list[dict[str, Any]]) -> dict[str, Refusals]:
    return {
        row["caller"]: Refusals(row["refusals"], row["since"], row["locked_until"]) for row in rows
    }


def _template(row: Mapping[str, Any]) -> StoredTemplate:
    search = np.frombuffer(row["search"], _SEARCH_NUMBER, offset=_SEARCH_HEADER_BYTES)
    return StoredTemplate(
        template_id=row["template_id"],
        subject_id=row["subject_id"],
        model_id=row["model_id"],
        key_id=row["key_id"],
        sealed=row["sealed"],
        search=SearchVector(search.astype(np.float32)),
        created_at=row["created_at"],
    )
