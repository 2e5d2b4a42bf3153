"""What several calls want of a GPU at the same time, done as one batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

from service.engine.shapes import BATCH_SIZES

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_BATCH = BATCH_SIZES[-1]
"""Faces of one batch, unless one call alone brings more."""


class Batches(Generic[Item, Result]):
    """While a batch runs the next one gathers: nobody waits for a clock, and one alone at once.

    `work`: as many results as items, in order. What it raises reaches every call of the batch.
    """

    def __init__(self, work: Callable[[list[Item]], list[Result]]) -> None:
        self._work = work
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="face-batches")
        self._lock = Lock()
        self._waiting: deque[tuple[Sequence[Item], Future[list[Result]]]] = deque()

    def __call__(self, items: Sequence[Item]) -> list[Result]:
        answer: Future[list[Result]] = Future()
        with self._lock:
            self._waiting.append((items, answer))
        self._runner.submit(self._run_next)
        return answer.result()

    def _run_next(self) -> None:
        calls = self._gathered()
        if not calls:
            return  # an earlier batch took them along
        try:
            results = iter(self._work([item for items, _ in calls for item in items]))
            for items, answer in calls:
                answer.set_result([next(results) for _ in items])
        except BaseException as error:
            for _, answer in calls:
                if not answer.done():
                    answer.set_exception(error)

    def _gathered(self) -> list[tuple[Sequence[Item], Future[list[Result]]]]:
        calls: list[tuple[Sequence[Item], Future[list[Result]]]] = []
        with self._lock:
            while self._waiting and (not calls or _fits(calls, self._waiting[0][0])):
                calls.append(self._waiting.popleft())
        return calls


def _fits(
    calls: Sequence[tuple[Sequence[Item], Future[list[Result]]]], items: Sequence[Item]
) -> bool:
    return sum(len(others) for others, _ in calls) + len(items) <= LARGEST_BATCH
