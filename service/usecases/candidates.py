"""Who among the enrolled looks like the probe: whoever they are."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from service.domain.collection import Collection, StoredTemplate
from service.domain.errors import Candidate, RecordTampered
from service.domain.face import Embedding
from service.domain.search import SearchIndex, Shortlist, Vectors, WriteWatermark, WrittenRows
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction

logger = logging.getLogger(__name__)

HALF_PRECISION_MARGIN = 0.002
"""By how much the search column's cosine may err: each factor is rounded to 11 bits, so at most
2 x 2^-11 = 0.001 for vectors of norm 1. Rows this far below the threshold are opened as well."""

EVERYBODY = 1_000
"""Rows. Where there are no more, all are read for each search, and where so many are newer than the
memory, those: 1,000 take about 5 ms. More of them are compared by the database."""

ROWS_AT_A_TIME = 64
"""Rows above the threshold that are fetched at a time; a real search finds a handful in all."""


def shortlist(
    tx: Transaction,
    unlocked: UnlockedCollection,
    probe: Embedding,
    min_similarity: float,
    index: SearchIndex | None,
) -> Shortlist | None:
    """The rows that need be compared with the probe; None: all of them, by the database.

    Raises `RecordTampered`.
    """
    return _shortlists(tx, unlocked, unlocked.probes_of(probe[None]), min_similarity, index)[0]


def _shortlists(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rotated: Mapping[UUID, Vectors],
    min_similarity: float,
    index: SearchIndex | None,
) -> Sequence[Shortlist | None]:
    """One a probe; None where nothing is known, or where it is about another database's rows."""
    its_id, number = unlocked.collection.collection_id, len(next(iter(rotated.values())))
    lists = None
    if index is not None:
        if index.distrusted(its_id) is not None:
            raise RecordTampered
        lists = index.candidates(its_id, rotated, min_similarity - HALF_PRECISION_MARGIN)
    mark = tx.templates.mark(unlocked.collection)
    if lists is None:
        return [_everybody(tx, mark)] * number
    return [
        replace(each, newer=mark.last_row_sequence - each.up_to)
        if each and each.knows_nothing_beyond(mark)
        else None
        for each in lists
    ]


def _everybody(tx: Transaction, mark: WriteWatermark) -> Shortlist | None:
    """A list of nobody, that knows no position: all rows are newer. None where they are too many."""
    if mark.rows > EVERYBODY or tx.templates.are_spread():
        return None
    return Shortlist(mark.epoch, 0, 0, np.empty(0, np.int64), mark.deleted_count)


def find_candidates(
    tx: Transaction,
    unlocked: UnlockedCollection,
    probe: Embedding,
    min_similarity: float,
    max_candidates: int,
    shortlisted: Shortlist | None = None,
    other_than: str | None = None,
) -> list[Candidate]:
    """The `max_candidates` most similar subjects with a cosine of `min_similarity`, most similar first.

    The search column only proposes; each similarity is that of the opened template. `shortlisted`: the probe's `shortlist`; without one every
    row is compared. Raises `TemplateTampered`.
    """
    if shortlisted is not None and _are_few(shortlisted):
        rotated = unlocked.probes_of(probe[None])
        proposed = _proposed_rows(tx, unlocked, rotated, min_similarity, [shortlisted])
        return _candidates_of_each(
            tx, unlocked, [probe], proposed, min_similarity, max_candidates, other_than
        )[0]
    found: dict[str, Candidate] = {}  # by name: who is changed between two pages is read twice
    for row in _scanned(
        tx, unlocked, probe, min_similarity - HALF_PRECISION_MARGIN, shortlisted, other_than
    ):
        similarity = unlocked.similarity(probe, row)
        if (
            len(found) >= max_candidates
            and similarity < _last(found.values(), max_candidates) - 2 * HALF_PRECISION_MARGIN
        ):
            break  # whatever follows may be out of order by the margin, but not by twice as much
        if similarity >= min_similarity:
            found[row.subject_id] = Candidate(row.subject_id, similarity)
    return ranked(found.values(), max_candidates)


def find_candidates_of_many(
    tx: Transaction,
    unlocked: UnlockedCollection,
    probes: Sequence[Embedding],
    min_similarity: float,
    max_candidates: int,
    index: SearchIndex | None,
) -> list[list[Candidate]]:
    """`find_candidates` of each probe, of whom most have none: the candidates of all are read at once."""
    if not probes:
        return []
    rotated = unlocked.probes_of(np.stack(probes))
    lists = _shortlists(tx, unlocked, rotated, min_similarity, index)
    known = next((each for each in lists if each is not None), None)
    proposed: Mapping[int, list[int]] = {}
    if known is not None and _are_few(known):
        proposed = _proposed_rows(tx, unlocked, rotated, min_similarity, lists)
    return _candidates_of_each(tx, unlocked, probes, proposed, min_similarity, max_candidates)


def _are_few(shortlisted: Shortlist) -> bool:
    """Whether so few rows are newer than the list that they are read here."""
    return shortlisted.newer <= EVERYBODY


def _candidates_of_each(
    tx: Transaction,
    unlocked: UnlockedCollection,
    probes: Sequence[Embedding],
    proposed: Mapping[int, list[int]],
    min_similarity: float,
    max_candidates: int,
    other_than: str | None = None,
) -> list[list[Candidate]]:
    """`proposed`: the positions that may reach the threshold, by probe; the database scans for a probe
    that is not in it, or of which a rotation has moved a row since.
    """
    wanted = sorted({position for positions in proposed.values() for position in positions})
    rows = tx.templates.at(unlocked.collection, wanted) if wanted else {}
    counted = [row for row in rows.values() if row.subject_id != other_than]
    enrolled = {row.template_id for row in _of_enrolled(tx, unlocked, counted)}
    found = []
    for n, probe in enumerate(probes):
        if n in proposed and all(each in rows for each in proposed[n]):
            mine = [rows[each] for each in proposed[n] if rows[each].template_id in enrolled]
            found.append(_ranked_rows(unlocked, probe, mine, min_similarity, max_candidates))
        else:
            found.append(
                find_candidates(
                    tx, unlocked, probe, min_similarity, max_candidates, None, other_than
                )
            )
    return found


def _proposed_rows(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rotated: Mapping[UUID, Vectors],
    min_similarity: float,
    lists: Sequence[Shortlist | None],
) -> dict[int, list[int]]:
    """For each probe that has a list, by its number, the positions whose search vectors reach
    `min_similarity`.
    """
    listed = {n: shortlisted for n, shortlisted in enumerate(lists) if shortlisted is not None}
    proposed: dict[int, list[int]] = {n: [] for n in listed}
    if not listed:
        return proposed
    for rows in _listed_rows(tx, unlocked.collection, list(listed.values())):
        if rows.space_id in rotated:
            cosines = rotated[rows.space_id] @ rows.vectors.T
            for probe, row in np.argwhere(
                cosines >= min_similarity - HALF_PRECISION_MARGIN
            ).tolist():
                if probe in proposed:
                    proposed[probe].append(int(rows.positions[row]))
    return proposed


def _listed_rows(
    tx: Transaction, collection: Collection, lists: Sequence[Shortlist]
) -> list[WrittenRows]:
    """All rows that are on any of the lists, or newer than these; once each.

    Raises `RecordTampered` where a row is not as it was written, or is not there although nothing was
    deleted since the lists were made.
    """
    first = lists[0]
    positions = np.unique(np.concatenate([each.positions for each in lists]))
    wanted = positions[positions <= first.up_to]
    before = tx.templates.mark(collection)
    rows = tx.templates.listed(collection.collection_id, wanted, first.up_to)
    read = sum(int(np.sum(each.positions <= first.up_to)) for each in rows)
    if first.up_to == 0:
        missing = before.rows - sum(len(each.positions) for each in rows)
    else:
        missing = len(wanted) - read if before.deleted_count == first.deleted_count else 0
    if missing and tx.templates.mark(collection) == before:
        logger.error("record_tampered: rows hidden in collection %s", collection.collection_id)
        raise RecordTampered
    return rows


def _ranked_rows(
    unlocked: UnlockedCollection,
    probe: Embedding,
    rows: Iterable[StoredTemplate],
    min_similarity: float,
    max_candidates: int,
) -> list[Candidate]:
    compared = [Candidate(row.subject_id, unlocked.similarity(probe, row)) for row in rows]
    found = [one for one in compared if one.similarity >= min_similarity]
    return ranked(found, max_candidates)


def ranked(found: Iterable[Candidate], max_candidates: int) -> list[Candidate]:
    """The most similar ones, most similar first."""
    return sorted(found, key=lambda one: (-one.similarity, one.subject_id))[:max_candidates]


def _last(found: Iterable[Candidate], max_candidates: int) -> float:
    """The similarity of the last one that has a place among the `max_candidates` best."""
    return sorted((one.similarity for one in found), reverse=True)[max_candidates - 1]


def _scanned(
    tx: Transaction,
    unlocked: UnlockedCollection,
    probe: Embedding,
    min_similarity: float,
    shortlisted: Shortlist | None,
    other_than: str | None,
) -> Iterator[StoredTemplate]:
    """All rows that the search column puts above `min_similarity`, nearest first, fetched as needed."""
    probes = unlocked.probes(probe)
    for skip in count(0, ROWS_AT_A_TIME):
        rows = tx.templates.nearest(
            unlocked.collection,
            probes,
            min_similarity,
            ROWS_AT_A_TIME,
            skip,
            other_than,
            shortlisted,
        )
        yield from _of_enrolled(tx, unlocked, rows)
        if len(rows) < ROWS_AT_A_TIME:
            return


def _of_enrolled(
    tx: Transaction, unlocked: UnlockedCollection, rows: Sequence[StoredTemplate]
) -> list[StoredTemplate]:
    """Those whose people are enrolled at this moment. Raises `RecordTampered`."""
    whose = sorted({row.subject_id for row in rows})
    enrolled = tx.subjects.existing(unlocked.collection, whose)
    if gone := [subject_id for subject_id in whose if subject_id not in enrolled]:
        tx.subjects.require_stored(unlocked.collection, gone)
    return [row for row in rows if row.subject_id in enrolled]
