"""Everybody of a file or folder is enrolled, as far as it is sound: the rows' embeddings are made several
at a time, and written in order.

In small transactions: a run that is killed leaves nothing half written, and the next one finds whoever
is enrolled and goes on behind them. So nothing is kept about a run but the gallery itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from service.domain.bulk import (
    BulkCandidate,
    BulkOutcome,
    BulkRow,
    RefusedRow,
    Result,
    Row,
    refused,
)
from service.domain.errors import (
    FaceError,
    InvalidRequest,
    NotAllowed,
    OperationFailed,
    Overloaded,
    SubjectRepeated,
    Unavailable,
)
from service.domain.face import Faces, GivenEmbedding
from service.domain.ports import BulkEmbedding
from service.usecases.bulk_transaction import BulkRequest, EnrollBatch
from service.usecases.enrollment import require_future
from service.usecases.index_sync import UntilBroken, batched, made_ahead
from service.usecases.sampler import PairSampler, Sampler
from service.usecases.unlocked_collection import require_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage

AHEAD = 4
"""Rows per worker that are begun before the first of them is asked for: a row of twenty photographs
must not leave the other workers without work."""

ENGINE_TRIES = 10
"""How often a row is tried that the engine had no room for."""

_NO_FAULT_OF_A_ROW = (Unavailable, OperationFailed)

_Begun: TypeAlias = Future[BulkCandidate | BulkOutcome] | BulkCandidate | BulkOutcome


def embedded(
    sampler: Sampler | PairSampler, row: Row, faces: Faces | None = None
) -> BulkCandidate | BulkOutcome:
    """The row with its face, or refused. Raises `Unavailable`, `OperationFailed`."""
    try:
        return BulkCandidate(row, sampler.probe(row.source, faces).templates)
    except _NO_FAULT_OF_A_ROW:
        raise
    except FaceError as error:
        return refused(row, error)


class EmbedHere:
    """Implements `BulkEmbedding` on this process's engine.

    `workers`: rows that are embedded at the same time. `faces`: None: as the service is set.
    """

    def __init__(
        self,
        sampler: Sampler | PairSampler,
        workers: int,
        sleep: Callable[[float], None] = time.sleep,
        faces: Faces | None = None,
    ) -> None:
        self._sampler = sampler
        self._faces = faces
        self._workers = workers
        self._sleep = sleep

    def __call__(self, items: Iterable[Row | BulkOutcome]) -> Iterator[BulkCandidate | BulkOutcome]:
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

    def _begin(self, pool: ThreadPoolExecutor, item: Row | BulkOutcome) -> _Begun:
        if isinstance(item, BulkOutcome):
            return item
        if isinstance(item.source, GivenEmbedding):  # not worth a thread's attention
            return embedded(self._sampler, item, self._faces)
        return pool.submit(self._embedded, item)

    def _embedded(self, row: Row) -> BulkCandidate | BulkOutcome:
        """It is this run's own rows that the engine is busy with: no reason to end it."""
        for _ in range(ENGINE_TRIES - 1):
            try:
                return embedded(self._sampler, row, self._faces)
            except Overloaded as error:
                self._sleep(error.retry_after)
        return embedded(self._sampler, row, self._faces)


def _is_done(begun: _Begun) -> bool:
    return begun.done() if isinstance(begun, Future) else True


def _done(begun: _Begun) -> BulkCandidate | BulkOutcome:
    return begun.result() if isinstance(begun, Future) else begun


Done = TypeVar("Done")

ROWS_AT_A_TIME = 500
"""Most people that one transaction enrolls."""

FIRST_ROWS = 50
"""People in the first transaction, before it is known how long one takes."""

LOCK_SECONDS = 1.0
"""About how long a batch may keep others from enrolling: their calls give up after ten."""

TRIES = 10
"""How often a batch is tried that others kept from being written."""


class Pace:
    """How many rows one transaction may take, by how long the last one took.

    >>> pace, clock = Pace(), iter([0.0, 2.0])
    >>> with pace.of(50, lambda: next(clock)):
    ...     pass  # two seconds' work
    >>> pace.rows
    25
    """

    def __init__(self) -> None:
        self.rows = FIRST_ROWS

    @contextmanager
    def of(self, rows: int, timer: Callable[[], float]) -> Iterator[None]:
        began = timer()
        yield
        seconds = max(timer() - began, 1e-6)
        self.rows = max(1, min(int(rows * LOCK_SECONDS / seconds), 2 * self.rows, ROWS_AT_A_TIME))


class BulkEnroll:
    def __init__(
        self,
        storage: Storage,
        enroll: EnrollBatch,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._storage = storage
        self._enroll = enroll
        self._clock = clock
        self._sleep = sleep
        self._timer = timer

    def __call__(
        self, request: BulkRequest, rows: Iterable[BulkRow], embed: BulkEmbedding
    ) -> Iterator[list[BulkOutcome]]:
        """What became of the rows, in order, in lists: each when it is committed, while the next
        ones are read and embedded.

        Raises what `EnrollBatch` and `embed` raise, the batches before being committed; and what
        `rows` raises, after every row before it.
        """
        self._enroll.require_possible(request)
        readable = UntilBroken(rows)
        items, pace = embed(self._sifted(request, readable)), Pace()
        for batch in made_ahead(batched(items, ROWS_AT_A_TIME)):
            while batch:
                part, batch = batch[: pace.rows], batch[pace.rows :]
                self._retried(partial(self._enroll.get_ready, request, part))
                with pace.of(len(part), self._timer):
                    outcomes = self._retried(partial(self._enroll, request, part))
                yield outcomes
        readable.raise_what_broke()

    def _sifted(self, request: BulkRequest, rows: Iterable[BulkRow]) -> Iterator[Row | BulkOutcome]:
        """Rows that are worth embedding, and in their places what is known of the others."""
        seen: set[str] = set()
        for batch in batched(rows, ROWS_AT_A_TIME):
            done = self._done_before(request, batch)
            for row in batch:
                yield self._looked_at(request, row, seen, done)
                if row.subject_id is not None:
                    seen.add(row.subject_id)

    def _done_before(self, request: BulkRequest, batch: Sequence[BulkRow]) -> set[str]:
        """Whose photographs need not be looked at, since the person is enrolled."""
        ids = [
            row.subject_id
            for row in batch
            if isinstance(row, Row) and not isinstance(row.source, GivenEmbedding)
        ]
        if not ids:
            return set()
        with self._storage.transaction() as tx:
            return tx.subjects.existing(require_collection(tx, request.collection), ids)

    def _looked_at(
        self, request: BulkRequest, row: BulkRow, seen: set[str], done: set[str]
    ) -> Row | BulkOutcome:
        if isinstance(row, RefusedRow):
            return refused(row, row.error)
        if row.subject_id in seen:
            return refused(row, SubjectRepeated())
        if row.subject_id in done:
            return BulkOutcome(row.place, row.subject_id, Result.ALREADY)
        try:
            request.caller.require_source(row.source)
            require_future(row.expires_at, self._clock())
        except (InvalidRequest, NotAllowed) as error:
            return refused(row, error)
        return row

    def _retried(self, work: Callable[[], Done]) -> Done:
        for _ in range(TRIES - 1):
            try:
                return work()
            except Overloaded as error:
                self._sleep(error.retry_after)
        return work()
