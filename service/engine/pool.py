"""The worker pool is shared by every call of the process, which wait for it in a bounded queue.

On a GPU, what several calls want at the same time is done as one batch (`Batches`).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from heapq import heapify, heapreplace
from itertools import islice
from threading import Barrier, BrokenBarrierError, Lock
from typing import Generic, TypeVar

from service.domain.errors import Overloaded
from service.engine.sessions import BATCH_SIZES
from service.machine import cores

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WAITING_CALLS = 64
"""Calls that may wait for a worker, however quick: each holds its photographs in memory."""

LONGEST_WAIT = 3.0
"""Seconds that a call may have to wait for a worker, by what the last photographs took.

Longer than a till or a door can use; a refusal lets the caller go elsewhere, or come back.
"""

LONGEST_PHOTOGRAPH = 30.0
"""Seconds in which none of a call's photographs gets done, after which the call gives up.

Headers bound what a photograph costs to about 2 s of a core (docs/decisions/0012-images.md): whatever takes
longer is broken, and a thread cannot be ended, but nobody waits for it, nor behind it (`expected_wait`).
"""

TASKS_AHEAD = 2
"""Photographs of one call, per worker, that stand in the queue at a time: enough to keep all the
workers busy, and a call of one photograph need not wait for the twenty of another."""

WARM_UP_TIMEOUT = 5.0
"""Seconds that workers wait for each other at the start."""

WARM_UP_ROUNDS = 2
"""Detections of each worker at the start, beside all the others. Measured with 16 workers, 16
callers then take 1.06 to 1.10 of the memory of one; up to 1.6 where the workers start one by one."""

SMOOTHING = 0.1
"""Weight of the newest photograph in the mean of what they take."""


class WorkerPool:
    """A fixed number of threads, and a bounded number of calls that wait for them.

    Each worker decodes and analyzes one photograph at a time, so memory is bounded by `workers`,
    however many threads call.
    """

    def __init__(
        self,
        workers: int | None = None,
        waiting: int = MAX_WAITING_CALLS,
        longest_wait: float = LONGEST_WAIT,
        longest_photograph: float = LONGEST_PHOTOGRAPH,
        timer: Callable[[], float] = time.perf_counter,
        *,
        one_call: bool = False,
    ) -> None:
        """`workers`: threads; None: one per core that this process may use, as each inference uses one.
        `one_call`: the process ends after one.
        """
        self.workers = workers or cores()
        self.most_calls = self.workers + waiting
        self._longest_wait = longest_wait
        self._longest_photograph = longest_photograph
        self._timer = timer
        self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix="face-engine")
        self._unbounded = ThreadPoolExecutor(self.workers, thread_name_prefix="face-finisher")
        self._one_call = one_call
        self._lock = Lock()
        self._calls = self._tasks = 0
        self._started: dict[object, float] = {}
        self._seconds = 0.0

    @property
    def expected_wait(self) -> float:
        """Seconds until a worker is free for one more photograph, as things are.

        Photographs take what the last ones took; one that has taken longer, as long again.
        """
        now = self._timer()
        ages = [now - started for started in list(self._started.values())]
        waiting = self._tasks - len(ages)
        if len(ages) + waiting < self.workers:
            return 0.0
        free_in = [self._seconds - age if age < self._seconds else age for age in ages]
        free_in += [0.0] * (self.workers - len(ages))
        heapify(free_in)
        for _ in range(waiting):
            heapreplace(free_in, free_in[0] + self._seconds)
        return free_in[0]

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`work` done on each item, in the order given; one call, however many items.

        Raises `Overloaded` where too many calls wait, or for too long, or where an item takes too
        long, else what `work` raised first.
        """

        def measured(item: Item) -> Result:
            with self._measured():
                return work(item)

        with self._place():
            return self._each(self._executor, measured, items, self._longest_photograph)

    def map_unbounded(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """As `map`, for what a call still needs after it: not refused, and not behind calls that
        came later, whose photographs would be looked at for nothing if this one gave up.
        """
        return self._each(self._unbounded, work, items)

    def warm_up(
        self, work: Callable[[int], object], finishing: Callable[[], Result]
    ) -> list[Result]:
        """`work`, so many rounds of it, done by every worker at the same time, then `finishing`: what they
        will ever need of memory they have then. For a pool that nobody uses yet.

        For one call it is only found out whether it can be done: in one round, by one worker.
        """
        rounds, workers = (1, 1) if self._one_call else (WARM_UP_ROUNDS, self.workers)
        self._in_step(self._executor, lambda: work(rounds), workers)
        return self._in_step(self._unbounded, finishing, workers)

    def _in_step(
        self, executor: Executor, work: Callable[[], Result], workers: int
    ) -> list[Result]:
        together = Barrier(workers)

        def meet_and_work(_worker: int) -> Result:
            with suppress(BrokenBarrierError):  # apart, then: not worth a failed start
                together.wait(WARM_UP_TIMEOUT)
            return work()

        return self._each(executor, meet_and_work, range(workers))

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._lock:
            expected = self.expected_wait
            if self._calls >= self.most_calls or expected > self._longest_wait:
                raise Overloaded(max(1, math.ceil(expected)))
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def _each(
        self,
        executor: Executor,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        longest: float | None = None,
    ) -> list[Result]:
        """`longest`: seconds within which one more must get done. Raises `Overloaded`."""
        futures: list[Future[Result]] = []
        running: set[Future[Result]] = set()
        rest = iter(items)
        free = TASKS_AHEAD * self.workers
        try:
            while True:
                new = [self._submitted(executor, work, item) for item in islice(rest, free)]
                futures += new
                if not (running := running.union(new)):
                    break
                done, running = wait(running, longest, return_when=FIRST_COMPLETED)
                if not done:
                    raise Overloaded
                free = len(done)
                _raise_first(done)
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def _submitted(
        self, executor: Executor, work: Callable[[Item], Result], item: Item
    ) -> Future[Result]:
        # Each in a copy of the caller's context: its lines in the log name the same request.
        counted = executor is self._executor
        if counted:
            with self._lock:
                self._tasks += 1
        future = executor.submit(copy_context().run, work, item)
        if counted:
            future.add_done_callback(self._gone)
        return future

    def _gone(self, _task: object) -> None:
        with self._lock:
            self._tasks -= 1

    @contextmanager
    def _measured(self) -> Iterator[None]:
        this, started = object(), self._timer()
        with self._lock:
            self._started[this] = started
        try:
            yield
        finally:
            with self._lock:
                del self._started[this]
                seconds = self._timer() - started - self._seconds
                self._seconds += seconds * (SMOOTHING if self._seconds else 1.0)


def _raise_first(done: set[Future[Result]]) -> None:
    for future in done:
        future.result()


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
