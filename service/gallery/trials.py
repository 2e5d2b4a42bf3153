"""What a face is judged by: the subject's refusals so far, and their templates. One trip.

Every verification reads this, so that it is spared SQLAlchemy's part, and the text of 512 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, LargeBinary, bindparam, func, select, text

from service.domain.collection import Collection, SearchVector, StoredTemplate
from service.domain.lockout import Refusals
from service.gallery.lifetime import of_those_not_gone, start_of_retention
from service.gallery.tables import attempts, templates
from service.gallery.together import run, written

_LOCK = written(text("SELECT pg_advisory_xact_lock(:lock)"))

_REFUSALS = written(
    select(attempts.c.refusals, attempts.c.since, attempts.c.locked_until).where(
        attempts.c.collection_id == bindparam("collection_id"),
        attempts.c.subject_id == bindparam("subject_id"),
    )
)

_SEARCH_HEADER_BYTES = 4
_SEARCH_NUMBER = np.dtype(">f2")
"""As pgvector sends a `halfvec`: how many numbers, two unused bytes, then the numbers."""

_TEMPLATES = written(
    select(
        *(column for column in templates.columns if column is not templates.c.search),
        func.halfvec_send(templates.c.search, type_=LargeBinary()).label("search"),
    )
    .where(
        templates.c.collection_id == bindparam("collection_id"),
        templates.c.subject_id == bindparam("subject_id"),
        of_those_not_gone(templates, bindparam("now"), bindparam("kept_since")),
    )
    .order_by(templates.c.created_at, templates.c.template_id)
)

_TRIAL = f"{_LOCK}; {_REFUSALS}; {_TEMPLATES}"


def refusals_of(connection: Connection, collection: Collection, subject_id: str) -> Refusals | None:
    [rows] = run(connection, _REFUSALS, _whose(collection, subject_id))
    return _refusals(rows)


def templates_of(
    connection: Connection, collection: Collection, subject_id: str, now: datetime
) -> list[StoredTemplate]:
    """Empty where their time is over."""
    values = {**_whose(collection, subject_id), **_when(collection, now)}
    [rows] = run(connection, _TEMPLATES, values)
    return [_template(row) for row in rows]


def trial(
    connection: Connection, lock: int, collection: Collection, subject_id: str, now: datetime
) -> tuple[Refusals | None, list[StoredTemplate]]:
    """Both as they are once nobody else holds `lock`, which is kept until the transaction ends."""
    values = {"lock": lock, **_whose(collection, subject_id), **_when(collection, now)}
    _, refusals, found = run(connection, _TRIAL, values)
    return _refusals(refusals), [_template(row) for row in found]


def _whose(collection: Collection, subject_id: str) -> dict[str, object]:
    return {"collection_id": collection.collection_id, "subject_id": subject_id}


def _when(collection: Collection, now: datetime) -> dict[str, object]:
    return {"now": now, "kept_since": start_of_retention(collection, now)}


def _refusals(rows: list[dict[str, Any]]) -> Refusals | None:
    if not rows:
        return None
    row = rows[0]
    return Refusals(row["refusals"], row["since"], row["locked_until"])


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
