"""Who among the enrolled looks like the probe: exact, whoever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from service.domain.collection import StoredTemplate
from service.domain.errors import Lookalike
from service.domain.face import Embedding
from service.domain.ports import Transaction
from service.usecases.people import OpenCollection

HALF_PRECISION_MARGIN = 0.002
"""By how much the search column's cosine may err: each factor is rounded to 11 bits, so at most
2 x 2^-11 = 0.001 for vectors of norm 1. Rows this far below the threshold are opened as well."""

ROWS_AT_A_TIME = 64
"""Rows above the threshold that are fetched at a time; a real search finds a handful in all."""


def lookalikes(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    limit: int,
    other_than: str | None = None,
) -> list[Lookalike]:
    """The `limit` most similar subjects with a cosine of `at_least`, most similar first.

    The search column only proposes; each similarity is that of the opened template. A subject
    counts once, by its most similar template. Raises `TemplateTampered`.
    """
    best: dict[str, float] = {}
    for row in _proposed(tx, people, probe, at_least - HALF_PRECISION_MARGIN, other_than):
        similarity = people.similarity(probe, row)
        if len(best) >= limit and similarity < _last(best, limit) - 2 * HALF_PRECISION_MARGIN:
            break  # whatever follows may be out of order by the margin, but not by twice as much
        if similarity >= at_least:
            best[row.subject_id] = max(similarity, best.get(row.subject_id, similarity))
    found = [Lookalike(subject_id, similarity) for subject_id, similarity in best.items()]
    return sorted(found, key=lambda one: (-one.similarity, one.subject_id))[:limit]


def lookalikes_of_many(
    tx: Transaction,
    people: OpenCollection,
    probes: Sequence[Embedding],
    at_least: float,
    limit: int,
) -> list[list[Lookalike]]:
    """`lookalikes` of each probe, in order. Raises `TemplateTampered`."""
    return [lookalikes(tx, people, probe, at_least, limit) for probe in probes]


def _last(best: Mapping[str, float], limit: int) -> float:
    """The similarity of the last subject that has a place among the `limit` best."""
    return sorted(best.values(), reverse=True)[limit - 1]


def _proposed(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    other_than: str | None,
) -> Iterator[StoredTemplate]:
    """All rows that the search column puts above `at_least`, nearest first, fetched as needed."""
    probes = people.probes(probe)
    for skip in count(0, ROWS_AT_A_TIME):
        rows = tx.templates.nearest(
            people.collection, probes, at_least, ROWS_AT_A_TIME, skip, other_than
        )
        yield from rows
        if len(rows) < ROWS_AT_A_TIME:
            return
