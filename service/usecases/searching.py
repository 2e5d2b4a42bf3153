"""Who among the enrolled looks like the probe: whoever they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from uuid import UUID

import numpy as np

from service.domain.collection import StoredTemplate
from service.domain.errors import Lookalike
from service.domain.face import Embedding
from service.domain.ports import Transaction
from service.domain.search import SearchIndex, Shortlist, Vectors, WrittenRows
from service.usecases.people import OpenCollection

HALF_PRECISION_MARGIN = 0.002
"""By how much the search column's cosine may err: each factor is rounded to 11 bits, so at most
2 x 2^-11 = 0.001 for vectors of norm 1. Rows this far below the threshold are opened as well."""

NEWEST = 2**63 - 1
"""Up to the newest row."""

VECTORS_AT_A_TIME = 10_000
"""Search vectors read at a time: 10 MB."""

ROWS_AT_A_TIME = 64
"""Rows above the threshold that are fetched at a time; a real search finds a handful in all."""


def shortlist(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    index: SearchIndex | None,
) -> Shortlist | None:
    """The rows that need be compared with the probe; None: all of them."""
    if index is None or index.held(people.collection.collection_id) is None:
        return None
    return _shortlists(tx, people, people.probes_of(probe[None]), at_least, index)[0]


def _shortlists(
    tx: Transaction,
    people: OpenCollection,
    rotated: Mapping[UUID, Vectors],
    at_least: float,
    index: SearchIndex,
) -> Sequence[Shortlist | None]:
    """One a probe; None where nothing is known, or where it is about another database's rows."""
    its_id, number = people.collection.collection_id, len(rotated[people.key.key_id])
    lists = index.near(its_id, rotated, at_least - HALF_PRECISION_MARGIN) or [None] * number
    mark = tx.templates.mark(people.collection)
    return [each if each and each.knows_nothing_beyond(mark) else None for each in lists]


def lookalikes(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    limit: int,
    among: Shortlist | None = None,
    other_than: str | None = None,
) -> list[Lookalike]:
    """The `limit` most similar subjects with a cosine of `at_least`, most similar first.

    The search column only proposes; each similarity is that of the opened template. A subject
    counts once, by its most similar template. `among`: the probe's `shortlist`; without one every
    row is compared. Raises `TemplateTampered`.
    """
    best: dict[str, float] = {}
    for row in _proposed(tx, people, probe, at_least - HALF_PRECISION_MARGIN, among, other_than):
        similarity = people.similarity(probe, row)
        if len(best) >= limit and similarity < _last(best, limit) - 2 * HALF_PRECISION_MARGIN:
            break  # whatever follows may be out of order by the margin, but not by twice as much
        if similarity >= at_least:
            best[row.subject_id] = max(similarity, best.get(row.subject_id, similarity))
    return _ranked(best, limit)


def lookalikes_of_many(
    tx: Transaction,
    people: OpenCollection,
    probes: Sequence[Embedding],
    at_least: float,
    limit: int,
    index: SearchIndex | None,
) -> list[list[Lookalike]]:
    """`lookalikes` of each probe, of whom most have none: the candidates of all are read at once."""
    near: Mapping[int, list[int]] = {}
    if probes and index is not None and index.held(people.collection.collection_id) is not None:
        rotated = people.probes_of(np.stack(probes))
        lists = _shortlists(tx, people, rotated, at_least, index)
        near = _near_enough(tx, people, rotated, at_least, lists)
    wanted = sorted({position for positions in near.values() for position in positions})
    rows = tx.templates.at(people.collection, wanted) if wanted else {}
    return [
        _opened(people, probe, [rows[each] for each in near[n]], at_least, limit)
        if n in near and all(each in rows for each in near[n])
        else lookalikes(tx, people, probe, at_least, limit)  # a rotation may have moved a row since
        for n, probe in enumerate(probes)
    ]


def _near_enough(
    tx: Transaction,
    people: OpenCollection,
    rotated: Mapping[UUID, Vectors],
    at_least: float,
    lists: Sequence[Shortlist | None],
) -> dict[int, list[int]]:
    """For each probe that has a list, by its number, the positions whose search vectors reach
    `at_least`.
    """
    listed = {n: among for n, among in enumerate(lists) if among is not None}
    near: dict[int, list[int]] = {n: [] for n in listed}
    if not listed:
        return near
    for rows in _candidates(tx, people.collection.collection_id, list(listed.values())):
        if rows.key_id in rotated:
            cosines = rotated[rows.key_id] @ rows.vectors.T
            for probe, row in np.argwhere(cosines >= at_least - HALF_PRECISION_MARGIN).tolist():
                if probe in near:
                    near[probe].append(int(rows.positions[row]))
    return near


def _candidates(
    tx: Transaction, collection_id: UUID, lists: Sequence[Shortlist]
) -> Iterator[WrittenRows]:
    """All rows that are on any of the lists, or newer than these; once each."""
    up_to = lists[0].up_to
    listed = np.unique(np.concatenate([each.positions for each in lists]))
    yield from tx.templates.written_at(collection_id, listed[listed <= up_to])
    while rows := tx.templates.written_between(collection_id, up_to, NEWEST, VECTORS_AT_A_TIME):
        yield from rows
        up_to = max(int(each.positions[-1]) for each in rows)


def _opened(
    people: OpenCollection,
    probe: Embedding,
    rows: Iterable[StoredTemplate],
    at_least: float,
    limit: int,
) -> list[Lookalike]:
    best: dict[str, float] = {}
    for row in rows:
        similarity = people.similarity(probe, row)
        if similarity >= at_least:
            best[row.subject_id] = max(similarity, best.get(row.subject_id, similarity))
    return _ranked(best, limit)


def _ranked(best: Mapping[str, float], limit: int) -> list[Lookalike]:
    found = [Lookalike(subject_id, similarity) for subject_id, similarity in best.items()]
    return sorted(found, key=lambda one: (-one.similarity, one.subject_id))[:limit]


def _last(best: Mapping[str, float], limit: int) -> float:
    """The similarity of the last subject that has a place among the `limit` best."""
    return sorted(best.values(), reverse=True)[limit - 1]


def _proposed(
    tx: Transaction,
    people: OpenCollection,
    probe: Embedding,
    at_least: float,
    among: Shortlist | None,
    other_than: str | None,
) -> Iterator[StoredTemplate]:
    """All rows that the search column puts above `at_least`, nearest first, fetched as needed."""
    probes = people.probes(probe)
    for skip in count(0, ROWS_AT_A_TIME):
        rows = tx.templates.nearest(
            people.collection, probes, at_least, ROWS_AT_A_TIME, skip, other_than, among
        )
        yield from rows
        if len(rows) < ROWS_AT_A_TIME:
            return
