"""From the sources of many rows to their embeddings, several rows at a time, in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

from service.domain.bulk import Candidate, Outcome, Row, refused
from service.domain.errors import FaceError, Misconfigured, Overloaded, Unavailable
from service.domain.source import GivenEmbedding
from service.usecases.sampling import Sampler

AHEAD = 4
"""Rows per worker that are begun before the first of them is asked for: a row of twenty photographs
must not leave the other workers without work."""

TRIES = 10
"""How often a row is tried that the engine had no room for."""

_NO_FAULT_OF_A_ROW = (Unavailable, Misconfigured)

_Begun: TypeAlias = Future[Candidate | Outcome] | Candidate | Outcome


def embedded(sampler: Sampler, row: Row) -> Candidate | Outcome:
    """The row with its face, or refused. Raises `Unavailable`, `Misconfigured`."""
    try:
        return Candidate(row, sampler.probe(row.source).embedding)
    except _NO_FAULT_OF_A_ROW:
        raise
    except FaceError as error:
        return refused(row, error)


class EmbedHere:
    """Implements `BulkEmbedding` on this process's engine.

    `workers`: rows that are embedded at the same time.
    """

    def __init__(
        self, sampler: Sampler, workers: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._sampler = sampler
        self._workers = workers
        self._sleep = sleep

    def __call__(self, items: Iterable[Row | Outcome]) -> Iterator[Candidate | Outcome]:
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="bulk")
        begun: deque[_Begun] = deque()
        try:
            for item in items:
                begun.append(self._begin(pool, item))
                while begun and (_is_done(begun[0]) or len(begun) > AHEAD * self._workers):
                    yield _done(begun.popleft())
            while begun:
                yield _done(begun.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor, item: Row | Outcome) -> _Begun:
        if isinstance(item, Outcome):
            return item
        if isinstance(item.source, GivenEmbedding):  # not worth a thread's attention
            return embedded(self._sampler, item)
        return pool.submit(self._patiently, item)

    def _patiently(self, row: Row) -> Candidate | Outcome:
        """It is this run's own rows that the engine is busy with: no reason to end it."""
        for _ in range(TRIES - 1):
            try:
                return embedded(self._sampler, row)
            except Overloaded as error:
                self._sleep(error.retry_after)
        return embedded(self._sampler, row)


def _is_done(begun: _Begun) -> bool:
    return begun.done() if isinstance(begun, Future) else True


def _done(begun: _Begun) -> Candidate | Outcome:
    return begun.result() if isinstance(begun, Future) else begun
