"""Keeps the index of a large collection close behind its rows in the database.

The rows are more than fit into memory, so they come in pieces, the next one read meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from service.domain.errors import RecordTampered
from service.domain.search import SearchIndex, WriteWatermark, WrittenRows
from service.usecases.candidates import EVERYBODY

if TYPE_CHECKING:
    from service.storage.storage import Storage

WORTH_HOLDING = EVERYBODY
"""Rows. Fewer are all read for each search; more would be scanned by the database, out of sight."""

ROWS_AT_A_TIME = 16_384
"""Positions that are read in one transaction: 17 MB, 34 as numbers."""

READERS = 2
"""Transactions that read at the same time: the server puts rows together while others are turned
into numbers here."""

ROWS_CHECKED = 4
"""Rows that are looked for each time, to notice a damaged memory."""


class IndexSync:
    """Reads what was written since the last time, and forgets what was deleted since.

    One thread calls it now and then. `worth_holding`: smaller collections are left to the database.
    """

    def __init__(
        self, storage: Storage, index: SearchIndex, worth_holding: int = WORTH_HOLDING
    ) -> None:
        self._storage = storage
        self.index = self._index = index
        self._worth_holding = worth_holding

    def __call__(self) -> None:
        """Once, for every collection. Raises what transactions raise."""
        with self._storage.transaction() as tx:
            marks = {mark.collection_id: mark for mark in tx.templates.marks()}
        for collection_id in {*self._index.collections()} - {*marks}:
            self._index.drop(collection_id)
        for mark in marks.values():
            if mark.rows >= self._worth_holding:
                self.follow(mark)
            else:
                self._index.drop(mark.collection_id)

    def sync_collection(self, name: str) -> None:
        """With one collection, if there is one of that name. Raises what transactions raise."""
        with self._storage.transaction() as tx:
            collection = tx.collections.find_with_keys_locked(name)
            mark = None if collection is None else tx.templates.mark(collection)
        if mark is not None:
            self.follow(mark)

    def follow(self, mark: WriteWatermark) -> None:
        """Up to `mark`, of one collection; as far as memory suffices. Rows that were altered are
        noticed, and told by searches. Raises what transactions raise.
        """
        distrusted = self._index.distrusted(mark.collection_id)
        if distrusted == mark:
            return
        if distrusted is not None:
            self._index.drop(mark.collection_id)
        try:
            self._follow(mark)
        except RecordTampered:
            self._index.distrust(mark)

    def _follow(self, mark: WriteWatermark) -> None:
        held = self._index.held(mark.collection_id)
        if held is not None and not _continues(mark, held):
            self._index.drop(mark.collection_id)
            held = None
        self._check(mark.collection_id)
        self._read_on(mark, replace(mark, last_row_sequence=0) if held is None else held)
        self._forget(mark)

    def _read_on(self, mark: WriteWatermark, held: WriteWatermark) -> None:
        """Small steps, so that searches profit from the first ones already; the next are read while
        one is taken in.
        """
        behind = mark.last_row_sequence - held.last_row_sequence
        self._index.is_behind(mark.collection_id, behind)
        steps = range(held.last_row_sequence, mark.last_row_sequence, ROWS_AT_A_TIME)
        with closing(mapped_ahead(partial(self._read, mark), steps, READERS)) as chunks:
            while behind and self._has_room(mark, behind):
                rows, up_to = next(chunks)
                held = replace(held, last_row_sequence=up_to)
                if not self._index.extend(held, rows):
                    return
                behind = mark.last_row_sequence - up_to
                self._index.is_behind(mark.collection_id, behind)

    def _has_room(self, mark: WriteWatermark, rows: int) -> bool:
        return self._index.has_room(mark.collection_id, min(rows, ROWS_AT_A_TIME))

    def _read(self, mark: WriteWatermark, after: int) -> tuple[Sequence[WrittenRows], int]:
        """The next rows after a position, and up to which one they are all there are."""
        up_to = min(after + ROWS_AT_A_TIME, mark.last_row_sequence)
        with self._storage.transaction() as tx:
            rows = tx.templates.written_between(mark.collection_id, after, up_to, ROWS_AT_A_TIME)
        return rows, up_to

    def _forget(self, mark: WriteWatermark) -> None:
        held = self._index.held(mark.collection_id)
        if held is None or held.deleted_count == mark.deleted_count:
            return
        with self._storage.transaction() as tx:
            living = tx.templates.positions_up_to(mark.collection_id, held.last_row_sequence)
        self._index.keep_only(replace(held, deleted_count=mark.deleted_count), living)

    def _check(self, collection_id: UUID) -> None:
        """A few rows, drawn at random."""
        if self._index.held(collection_id) is None:
            return
        some = self._index.some_of(collection_id, ROWS_CHECKED)
        with self._storage.transaction() as tx:
            rows = tx.templates.written_at(collection_id, some)
        self._index.self_check(collection_id, rows)


def rows_written(storage: Storage, name: str) -> int:
    """How many there are in a collection; 0 where there is none of that name. Raises what
    transactions raise.
    """
    with storage.transaction() as tx:
        collection = tx.collections.find_with_keys_locked(name)
        mark = None if collection is None else tx.templates.mark(collection)
    return 0 if mark is None else mark.rows


def _continues(mark: WriteWatermark, held: WriteWatermark) -> bool:
    """Whether what is held is an earlier state of the same rows."""
    return (
        held.epoch == mark.epoch
        and held.last_row_sequence <= mark.last_row_sequence
        and held.deleted_count <= mark.deleted_count
    )


Item = TypeVar("Item")
Made = TypeVar("Made")


def batched(items: Iterable[Item], size: int) -> Generator[list[Item]]:
    """Lists of `size`, the last one shorter; none that is empty."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def made_ahead(items: Generator[Item], ahead: int = 1) -> Generator[Item]:
    """The same, made in a thread of its own and up to `ahead` of them before they are asked for.

    Raises what making one raises, in its turn. Whoever closes this closes `items`.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    coming: deque[Future[list[Item]]] = deque()
    try:
        coming.extend(pool.submit(_next, items) for _ in range(ahead + 1))
        while made := coming.popleft().result():
            coming.append(pool.submit(_next, items))
            yield from made
    finally:
        pool.shutdown(cancel_futures=True)
        items.close()


def mapped_ahead(
    work: Callable[[Item], Made], items: Iterable[Item], workers: int
) -> Generator[Made]:
    """What `work` makes of each, in order, made by `workers` threads before it is asked for; never
    more of it than one for each thread and one to spare.

    Raises what `work` raises, in its turn.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")
    rest = iter(items)
    coming = deque(pool.submit(work, item) for item in islice(rest, workers + 1))
    try:
        while coming:
            made = coming.popleft().result()
            coming.extend(pool.submit(work, item) for item in islice(rest, 1))
            yield made
    finally:
        pool.shutdown(cancel_futures=True)


def _next(items: Iterator[Item]) -> list[Item]:
    """Empty at the end."""
    return list(islice(items, 1))


class UntilBroken(Generic[Item]):
    """What can be had of `items`; why there is no more of them is raised when that is asked for."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._items
        except Exception as error:  # raised below
            self._error = error

    def raise_what_broke(self) -> None:
        if self._error is not None:
            raise self._error
