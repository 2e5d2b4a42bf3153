"""The workers that every call of the process shares, and the queue before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import BoundedSemaphore
from typing import TypeVar

from service.domain.errors import Overloaded

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WAITING_CALLS = 64
"""Calls that may wait for a worker; the next is refused at once.

One photograph takes some 20 to 200 ms of a core, so a caller behind 64 others already waits for
seconds: longer than a till or a door can use, and a refusal lets it go elsewhere.
"""


class WorkerPool:
    """A fixed number of threads, and a bounded number of calls that wait for them.

    Each worker decodes and analyses one photograph at a time, so memory is bounded by `workers`,
    however many threads call.
    """

    def __init__(self, workers: int | None = None, waiting: int = MAX_WAITING_CALLS) -> None:
        """`workers`: threads; None: one per core, as each inference uses one core."""
        self.workers = workers or os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix="face-engine")
        self.most_calls = self.workers + waiting
        self._calls = BoundedSemaphore(self.most_calls)

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`work` done on each item, in the order given; one call, however many items.

        Raises `Overloaded` where too many calls wait, else what `work` raised first.
        """
        if not self._calls.acquire(blocking=False):
            raise Overloaded
        try:
            # Each in a copy of the caller's context: its lines in the log name the same request.
            return _all_or_none(
                [self._executor.submit(copy_context().run, work, item) for item in items]
            )
        finally:
            self._calls.release()


def _all_or_none(futures: Sequence[Future[Result]]) -> list[Result]:
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
