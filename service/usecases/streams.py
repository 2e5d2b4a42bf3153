"""Working through more than fits into memory: in pieces, the next one made meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

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
