"""One collection's rows in memory, in parts of a size that one search goes through quickly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from fasteners import ReaderWriterLock

from service.domain.search import Positions, Shortlist, Vectors, WriteWatermark, WrittenRows
from service.search.codes import Codes, Kind, not_among

ROWS_PER_PART = 131_072
"""A search of one takes a millisecond or two: small enough to divide a million among many threads."""

PARTS_A_THREAD = 4
"""From so many on, threads that divide them have about the same to do."""

MOST_NEAR = 0.02
"""Share of the rows above which reading them one by one takes longer than scanning all."""

FEW = 1_000
"""So many are always read one by one."""

_NEARLY_ONE = 0.99
"""The cosine of a row's vector with itself, rounded as it may be."""

_NOTHING = np.empty(0, dtype=np.int64)

_RANDOM = np.random.default_rng()


@dataclass(frozen=True, slots=True)
class _Part:
    key_id: UUID
    codes: Codes

    def reaches_over(self, position: int) -> bool:
        """Whether the row at `position` would be in this part, of those under its key."""
        first, last = self.codes.positions[[0, -1]]
        return bool(first <= position <= last)


class CollectionIndex:
    """Any number of threads may search it; one changes it. `mark`: how far it reaches."""

    def __init__(self, mark: WriteWatermark, kind: Kind) -> None:
        self.mark = mark
        self._kind = kind
        self._parts: list[_Part] = []
        self._lock = ReaderWriterLock()

    def __len__(self) -> int:
        return sum(len(part.codes) for part in self._parts)

    def near(
        self, probes: Mapping[UUID, Vectors], at_least: float, threads: Executor, workers: int
    ) -> list[Shortlist | None]:
        """As `SearchIndex.near`. Parts under a key that is not in use any more hold no rows that
        still exist.
        """
        with self._lock.read_lock():
            mark, rows = self.mark, len(self)
            parts = [part for part in self._parts if part.key_id in probes]
            most = max(FEW, int(MOST_NEAR * rows))
            tasks = _divided(parts, probes, workers)
            found = list(
                threads.map(lambda task: _near(task[0], task[1], task[2], at_least, most), tasks)
            )
        number = len(next(iter(probes.values())))
        near = [[each for task in found for each in task.get(n, ())] for n in range(number)]
        return [_shortlist(mark, rows, each, most) for each in near]

    def extend(
        self, mark: WriteWatermark, rows: Sequence[WrittenRows], threads: Executor, part: int
    ) -> None:
        """As `SearchIndex.extend`. Encodes first, while searches go on."""
        pieces = [piece for each in rows for piece in _pieces(each, part)]
        encoded = threads.map(lambda each: self._kind.encode(each.positions, each.vectors), pieces)
        new = [_Part(piece.key_id, codes) for piece, codes in zip(pieces, encoded, strict=True)]
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

    def finds(self, rows: Sequence[WrittenRows], threads: Executor) -> bool:
        """Whether each row is among those near to its own vector, where it is held."""
        with self._lock.read_lock():
            asked = [
                (each.key_id, position, each.vectors[n : n + 1])
                for each in rows
                for n, position in enumerate(each.positions.tolist())
            ]
            return all(threads.map(lambda row: self._finds(*row), asked))

    def _finds(self, key_id: UUID, position: int, vector: Vectors) -> bool:
        for part in self._parts:
            if part.key_id == key_id and part.reaches_over(position):
                (near,) = part.codes.near(vector, _NEARLY_ONE, FEW)
                return near is None or position in near
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
        (parts, {key: vectors[first : first + size] for key, vectors in probes.items()}, first)
        for first in range(0, number, size)
    ]


def _near(
    parts: Sequence[_Part],
    probes: Mapping[UUID, Vectors],
    first: int,
    at_least: float,
    most: int,
) -> dict[int, list[Positions | None]]:
    """For each probe, by its number, what each of the parts has near it."""
    found: dict[int, list[Positions | None]] = {}
    for part in parts:
        lists = part.codes.near(probes[part.key_id], at_least, most)
        for number, near in enumerate(lists, first):
            found.setdefault(number, []).append(near)
    return found


def _shortlist(
    mark: WriteWatermark, rows: int, found: Sequence[Positions | None], most: int
) -> Shortlist | None:
    """`found`: of each part."""
    near = [each for each in found if each is not None]
    if len(near) < len(found) or sum(map(len, near)) > most:
        return None
    positions = np.sort(np.concatenate([_NOTHING, *near]))
    return Shortlist(mark.epoch, mark.last_row_sequence, rows, positions, mark.deleted_count)


def _pieces(rows: WrittenRows, size: int) -> Iterator[WrittenRows]:
    for start in range(0, len(rows.positions), size):
        piece = slice(start, start + size)
        yield WrittenRows(rows.key_id, rows.positions[piece], rows.vectors[piece])


def _packed(parts: Sequence[_Part]) -> list[_Part]:
    """No part empty, and neighbors under one key joined as long as they fit into one."""
    packed: list[_Part] = []
    for part in parts:
        last = packed[-1] if packed else None
        if not len(part.codes):
            continue
        if last is None or not _fits(last, part):
            packed.append(part)
        else:
            last.codes.absorb(part.codes)
    return packed


def _fits(one: _Part, other: _Part) -> bool:
    return one.key_id == other.key_id and len(one.codes) + len(other.codes) <= ROWS_PER_PART
