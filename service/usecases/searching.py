"""Who among the enrolled looks like the probe: exact, whoever they are."""

from __future__ import annotations

from service.domain.errors import Lookalike
from service.domain.face import Embedding
from service.domain.ports import Transaction
from service.usecases.people import OpenCollection

HALF_PRECISION_MARGIN = 0.002
"""By how much the search column's cosine may err: each factor is rounded to 11 bits, so at most
2 x 2^-11 = 0.001 for vectors of norm 1. Rows this far below the threshold are opened as well."""

MOST_ROWS_OPENED = 256
"""Rows above the threshold that are opened and compared; a real search finds a handful."""


def lookalikes(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    limit: int,
    other_than: str | None = None,
) -> list[Lookalike]:
    """Up to `limit` subjects with a cosine of `at_least`, most similar first.

    The search column only proposes; each similarity is that of the opened template. A subject
    counts once, by its most similar template. Raises `TemplateTampered`.
    """
    rows = tx.templates.nearest(
        people.collection,
        people.key.to_search_space(probe),
        at_least - HALF_PRECISION_MARGIN,
        max(MOST_ROWS_OPENED, limit),
    )
    best: dict[str, float] = {}
    for row in rows:
        similarity = people.similarity(probe, row)
        if similarity >= at_least and row.subject_id != other_than:
            best[row.subject_id] = max(similarity, best.get(row.subject_id, -1.0))
    found = [Lookalike(subject_id, similarity) for subject_id, similarity in best.items()]
    return sorted(found, key=lambda one: (-one.similarity, one.subject_id))[:limit]
