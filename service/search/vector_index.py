"""The vector index holds large collections in memory as codes: it implements `SearchIndex`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Several
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from service.domain.capacity import MEBIBYTE
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.domain.search import (
    Positions,
    SearchProblem,
    SearchState,
    Shortlist,
    Vectors,
    WriteWatermark,
    WrittenRows,
)
from service.machine import cores
from service.search.collection_index import CodeKind, CollectionIndex
from service.search.eight_bits import EIGHT_BITS
from service.search.two_bits import TWO_BITS

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

PARTS = 8_192
"""Rows that one thread encodes at a time: a third of a second."""


class VectorIndex:
    """Any number of threads may search it; one changes it.

    `max_bytes`: what all collections together may take. `kind`: of the codes that rows are held
    as. `workers`: threads that search, and as many again that encode.
    """

    def __init__(
        self,
        max_bytes: int,
        kind: CodeKind,
        workers: int | None = None,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._max_bytes = max_bytes
        self._kind = kind
        self._held: dict[UUID, CollectionIndex] = {}
        self._behind: dict[UUID, int] = {}
        self._problems: dict[UUID, SearchProblem] = {}
        self._distrusted: dict[UUID, WriteWatermark] = {}
        self._telemetry = telemetry
        self._workers = workers or cores()
        self._searching = self._threads("search")
        self._encoding = self._threads("encode")

    def candidates(
        self, collection_id: UUID, probes: Mapping[UUID, Vectors], min_similarity: float
    ) -> Sequence[Shortlist | None] | None:
        index = self._held.get(collection_id)
        if index is None:
            return None
        with self._telemetry.stage("shortlist"):
            lists = self._safely(
                collection_id,
                lambda: index.candidates(probes, min_similarity, self._searching, self._workers),
            )
        for shortlist in lists or ():
            self._telemetry.shortlisted(found=shortlist is not None)
        return lists

    def held(self, collection_id: UUID) -> WriteWatermark | None:
        index = self._held.get(collection_id)
        return None if index is None else index.mark

    def collections(self) -> Several[UUID]:
        return [*self._held]

    def has_room(self, collection_id: UUID, rows: int) -> bool:
        if self._size + rows * self._kind.bytes_per_row <= self._max_bytes:
            return True
        if self._problems.get(collection_id) is not SearchProblem.OUT_OF_MEMORY:
            self._problems[collection_id] = SearchProblem.OUT_OF_MEMORY
            logger.warning(
                "%s MiB hold no more rows: searches scan the rest in the database",
                self._max_bytes // MEBIBYTE,
            )
        return False

    def extend(self, mark: WriteWatermark, rows: Sequence[WrittenRows]) -> bool:
        index = self._held.get(mark.collection_id) or CollectionIndex(mark, self._kind)

        def extended() -> bool:
            index.extend(mark, rows, self._encoding, PARTS)
            self._held[mark.collection_id] = index
            return True

        return bool(self._safely(mark.collection_id, extended))

    def keep_only(self, mark: WriteWatermark, living: Positions) -> None:
        index = self._held[mark.collection_id]
        self._safely(mark.collection_id, lambda: index.keep_only(mark, living))

    def some_of(self, collection_id: UUID, number: int) -> Positions:
        return self._held[collection_id].some(number)

    def self_check(self, collection_id: UUID, rows: Sequence[WrittenRows]) -> bool:
        index = self._held[collection_id]
        found = self._safely(collection_id, lambda: index.self_check(rows, self._searching))
        if found is False:
            self._drop_as(collection_id, SearchProblem.DAMAGED)
        return bool(found)

    def drop(self, collection_id: UUID) -> None:
        self._held.pop(collection_id, None)
        self._behind.pop(collection_id, None)
        self._problems.pop(collection_id, None)
        self._distrusted.pop(collection_id, None)

    def distrust(self, mark: WriteWatermark) -> None:
        self.drop(mark.collection_id)
        self._distrusted[mark.collection_id] = mark
        self._problems[mark.collection_id] = SearchProblem.TAMPERED

    def distrusted(self, collection_id: UUID) -> WriteWatermark | None:
        return self._distrusted.get(collection_id)

    def is_behind(self, collection_id: UUID, rows: int) -> None:
        self._behind[collection_id] = rows
        if not rows:
            self._problems.pop(collection_id, None)

    def state(self) -> SearchState:
        behind = sum([*self._behind.values()])
        problem = next(iter([*self._problems.values()]), None)
        if problem is None and behind:
            problem = SearchProblem.LOADING
        rows = sum(len(index) for index in [*self._held.values()])
        return SearchState(rows, self._size, behind, problem)

    @property
    def _size(self) -> int:
        return sum(self._kind.bytes_per_row * len(index) for index in [*self._held.values()])

    def _threads(self, name: str) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, f"face-{name}", self._kind.begin_thread)

    def _safely(self, collection_id: UUID, work: Callable[[], Result]) -> Result | None:
        """Searches go on by the exact scan, whatever happens here: None where it fails."""
        try:
            return work()
        except MemoryError:
            self._drop_as(collection_id, SearchProblem.OUT_OF_MEMORY)
        except Exception as error:
            logger.error("search state: unexpected %s", type(error).__name__)
            self._drop_as(collection_id, SearchProblem.DAMAGED)
        return None

    def _drop_as(self, collection_id: UUID, problem: SearchProblem) -> None:
        logger.error("search state dropped: %s; searches scan the database", problem)
        self._held.pop(collection_id, None)
        self._problems[collection_id] = problem


def kind_for_many_probes(rows: int, max_bytes: int) -> CodeKind:
    """The quickest codes for hundreds of probes at a time that let `rows` fit: eight bits take a
    tenth of the time of two, and three times the memory.
    """
    return EIGHT_BITS if rows * EIGHT_BITS.bytes_per_row <= max_bytes else TWO_BITS
