"""A collection index holds one collection's rows as codes, in parts that one search goes through quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol, Self
from uuid import UUID

import numpy as np
from fasteners import ReaderWriterLock
from numpy.typing import NDArray

from service.domain.search import Positions, Shortlist, Vectors, WriteWatermark, WrittenRows

ROWS_PER_PART = 131_072
"""A search of one takes a millisecond or two: small enough to divide a million among many threads."""

PARTS_A_THREAD = 4
"""From so many on, threads that divide them have about the same to do."""

MAX_CANDIDATE_SHARE = 0.02
"""Share of the rows above which reading candidates one by one takes longer than scanning all."""

FEW = 1_000
"""So many candidates are always read one by one."""

_NEARLY_ONE = 0.99
"""The cosine of a row's vector with itself, rounded as it may be."""

_NOTHING = np.empty(0, dtype=np.int64)

_RANDOM = np.random.default_rng()


class Codes(Protocol):
    """Rows of one space. Whoever changes it keeps others from searching it meanwhile."""

    positions: Positions

    def __len__(self) -> int: ...

    def candidates(
        self, probes: Vectors, min_similarity: float, max_candidates: int
    ) -> list[Positions | None]:
        """For each probe, the rows that may have a cosine of `min_similarity`; None where those are more
        than `max_candidates`.
        """
        ...

    def merge(self, other: Self) -> None:
        """Take over the rows of `other`, which is of no use afterwards."""
        ...

    def remove(self, rows: NDArray[np.int64]) -> None:
        """By their number here."""
        ...


@dataclass(frozen=True, slots=True)
class CodeKind:
    """`bytes_per_row`: position included. `encode`: of positions (n,) and vectors (n, 512).
    `begin_thread`: called once by each thread that is to encode or search.
    """

    bytes_per_row: int
    encode: Callable[[Positions, Vectors], Codes]
    begin_thread: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    space_id: UUID
    codes: Codes

    def reaches_over(self, position: int) -> bool:
        """Whether the row at `position` would be in this part, of those in its space."""
        first, last = self.codes.positions[[0, -1]]
        return bool(first <= position <= last)


class CollectionIndex:
    """Any number of threads may search it; one changes it. `mark`: how far it reaches."""

    def __init__(self, mark: WriteWatermark, kind: CodeKind) -> None:
        self.mark = mark
        self._kind = kind
        self._parts: list[_Part] = []
        self._lock = ReaderWriterLock()

    def __len__(self) -> int:
        return sum(len(part.codes) for part in self._parts)

    def candidates(
        self, probes: Mapping[UUID, Vectors], min_similarity: float, threads: Executor, workers: int
    ) -> list[Shortlist | None]:
        """As `SearchIndex.candidates`. Parts of a space that no probe is in hold rows of
        another model, or none that still exist.
        """
        with self._lock.read_lock():
            mark, rows = self.mark, len(self)
            parts = [part for part in self._parts if part.space_id in probes]
            max_candidates = max(FEW, int(MAX_CANDIDATE_SHARE * rows))
            tasks = _divided(parts, probes, workers)
            found = list(
                threads.map(
                    lambda task: _candidates(
                        task[0], task[1], task[2], min_similarity, max_candidates
                    ),
                    tasks,
                )
            )
        number = len(next(iter(probes.values())))
        lists = [[each for task in found for each in task.get(n, ())] for n in range(number)]
        return [_shortlist(mark, rows, each, max_candidates) for each in lists]

    def extend(
        self, mark: WriteWatermark, rows: Sequence[WrittenRows], threads: Executor, part: int
    ) -> None:
        """As `SearchIndex.extend`. Encodes first, while searches go on."""
        pieces = [piece for each in rows for piece in _pieces(each, part)]
        encoded = threads.map(lambda each: self._kind.encode(each.positions, each.vectors), pieces)
        new = [_Part(piece.space_id, codes) for piece, codes in zip(pieces, encoded, strict=True)]
        with self._lock.write_lock():
            self._parts = _packed([*self._parts, *new])
            self.mark = mark

    def keep_only(self, mark: WriteWatermark, living: Positions) -> None:
        """As `SearchIndex.keep_only`."""
        gone = [(part.codes, not_among(living, part.codes.positions)) for part in self._parts]
        with self._lock.write_lock():
            for codes, rows in gone:
                codes.remove(rows)
            self._parts = _packed(self._parts)
            self.mark = mark

    def some(self, number: int) -> Positions:
        """Up to that many positions, drawn at random."""
        parts = [part.codes.positions for part in self._parts]
        held = np.concatenate(parts) if parts else _NOTHING
        return np.sort(_RANDOM.choice(held, min(number, len(held)), replace=False))

    def self_check(self, rows: Sequence[WrittenRows], threads: Executor) -> bool:
        """Whether each row, where it is held, is a candidate for its own vector."""
        with self._lock.read_lock():
            asked = [
                (each.space_id, position, each.vectors[n : n + 1])
                for each in rows
                for n, position in enumerate(each.positions.tolist())
            ]
            return all(threads.map(lambda row: self._is_found(*row), asked))

    def _is_found(self, space_id: UUID, position: int, vector: Vectors) -> bool:
        for part in self._parts:
            if part.space_id == space_id and part.reaches_over(position):
                (candidates,) = part.codes.candidates(vector, _NEARLY_ONE, FEW)
                return candidates is None or position in candidates
        return False


def _divided(
    parts: Sequence[_Part], probes: Mapping[UUID, Vectors], workers: int
) -> list[tuple[Sequence[_Part], Mapping[UUID, Vectors], int]]:
    """Of many parts each thread takes some, and all probes to them: a part is gone through once.
    Of few parts each thread takes all, with some of the probes, if these are many.

    Parts, probes, and the number of the first of these probes.
    """
    number = len(next(iter(probes.values())))
    if number < workers or len(parts) >= PARTS_A_THREAD * workers:
        return [(parts[n::workers], probes, 0) for n in range(min(workers, len(parts)))]
    size = -(-number // workers)
    return [
        (parts, {space: vectors[first : first + size] for space, vectors in probes.items()}, first)
        for first in range(0, number, size)
    ]


def _candidates(
    parts: Sequence[_Part],
    probes: Mapping[UUID, Vectors],
    first: int,
    min_similarity: float,
    max_candidates: int,
) -> dict[int, list[Positions | None]]:
    """For each probe, by its number, the candidates in each of the parts."""
    found: dict[int, list[Positions | None]] = {}
    for part in parts:
        lists = part.codes.candidates(probes[part.space_id], min_similarity, max_candidates)
        for number, candidates in enumerate(lists, first):
            found.setdefault(number, []).append(candidates)
    return found


def _shortlist(
    mark: WriteWatermark, rows: int, found: Sequence[Positions | None], max_candidates: int
) -> Shortlist | None:
    """`found`: of each part."""
    candidates = [each for each in found if each is not None]
    if len(candidates) < len(found) or sum(map(len, candidates)) > max_candidates:
        return None
    positions = np.sort(np.concatenate([_NOTHING, *candidates]))
    return Shortlist(mark.epoch, mark.last_row_sequence, rows, positions, mark.deleted_count)


def _pieces(rows: WrittenRows, size: int) -> Iterator[WrittenRows]:
    for start in range(0, len(rows.positions), size):
        piece = slice(start, start + size)
        yield WrittenRows(rows.space_id, rows.positions[piece], rows.vectors[piece])


def _packed(parts: Sequence[_Part]) -> list[_Part]:
    """No part empty, and neighbors in one space joined as long as they fit into one."""
    packed: list[_Part] = []
    for part in parts:
        last = packed[-1] if packed else None
        if not len(part.codes):
            continue
        if last is None or not _fits(last, part):
            packed.append(part)
        else:
            last.codes.merge(part.codes)
    return packed


def _fits(one: _Part, other: _Part) -> bool:
    return one.space_id == other.space_id and len(one.codes) + len(other.codes) <= ROWS_PER_PART


def not_among(living: Positions, positions: Positions) -> NDArray[np.int64]:
    """Which of `positions`, by their number, are not in `living`, which is ascending."""
    if not len(living):
        return np.arange(len(positions))
    places = np.minimum(np.searchsorted(living, positions), len(living) - 1)
    return np.flatnonzero(living[places] != positions)
