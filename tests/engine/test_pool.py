"""The workers: bounded, in order, and honest about what broke."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.domain.errors import Overloaded
from service.engine.pool import WorkerPool

MOST = 10.0
"""Seconds after which a test stops waiting for another thread."""


class HeldTask:
    """Work that starts, says so, and ends when it is let."""

    def __init__(self, expected: int) -> None:
        self.inside = threading.Semaphore(0)
        self.opened = threading.Event()
        self._expected = expected

    def hold(self, item: int) -> int:
        self.inside.release()
        assert self.opened.wait(MOST)
        return item

    def wait_until_full(self) -> None:
        for _ in range(self._expected):
            assert self.inside.acquire(timeout=MOST)


def _broken(item: int) -> int:
    if item == 2:
        raise LookupError(item)
    return item


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def take(self, seconds: float) -> None:
        """Work of so many seconds."""
        self.now += seconds


def test_results_come_in_the_order_given() -> None:
    assert WorkerPool(4).map(lambda item: item * item, range(50)) == [i * i for i in range(50)]


def test_nothing_to_do_is_done() -> None:
    assert WorkerPool(1).map(str, []) == []


def test_an_exception_in_a_worker_reaches_the_caller() -> None:
    with pytest.raises(LookupError):
        WorkerPool(2).map(_broken, [1, 2, 3])


def test_a_call_that_broke_leaves_its_place_to_others() -> None:
    pool = WorkerPool(1, waiting=0)
    with pytest.raises(LookupError):
        pool.map(_broken, [2])
    assert pool.map(_broken, [1]) == [1]


def test_no_more_than_the_workers_run_at_once() -> None:
    pool, held = WorkerPool(2), HeldTask(2)
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, range(6))
        held.wait_until_full()
        assert not held.inside.acquire(timeout=0.05)
        held.opened.set()
        assert call.result(MOST) == list(range(6))


def test_a_call_beyond_the_queue_is_refused_at_once() -> None:
    pool, held = WorkerPool(1, waiting=0), HeldTask(1)
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, [1])
        held.wait_until_full()
        with pytest.raises(Overloaded):
            pool.map(str, [2])
        held.opened.set()
        assert call.result(MOST) == [1]


def test_a_call_within_the_queue_waits_for_its_turn() -> None:
    pool, held = WorkerPool(1, waiting=1), HeldTask(1)
    with ThreadPoolExecutor() as callers:
        first = callers.submit(pool.map, held.hold, [1])
        held.wait_until_full()
        second = callers.submit(pool.map, held.hold, [2])
        held.opened.set()
        assert [first.result(MOST), second.result(MOST)] == [[1], [2]]


def test_a_call_with_many_photographs_is_one_call() -> None:
    assert WorkerPool(1, waiting=0).map(str, [1, 2, 3]) == ["1", "2", "3"]


def test_a_call_that_would_wait_too_long_is_refused_and_told_when_to_come_back() -> None:
    clock = Clock()
    pool, held = WorkerPool(1, longest_wait=3.0, timer=clock), HeldTask(1)
    pool.map(clock.take, [4.2])
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, [1])
        held.wait_until_full()
        with pytest.raises(Overloaded) as refused:
            pool.map(str, [2])
        held.opened.set()
        assert refused.value.retry_after == 5
        assert call.result(MOST) == [1]


def test_a_free_worker_refuses_nobody_however_slow_it_was() -> None:
    clock = Clock()
    pool = WorkerPool(1, longest_wait=0.01, timer=clock)
    pool.map(clock.take, [50.0])
    assert pool.expected_wait == 0.0
    assert pool.map(str, [1]) == ["1"]


def test_the_expected_wait_grows_with_the_queue() -> None:
    clock = Clock()
    pool, held = WorkerPool(1, timer=clock), HeldTask(1)
    pool.map(clock.take, [2.0])
    with ThreadPoolExecutor() as callers:
        calls = [callers.submit(pool.map, held.hold, [1])]
        held.wait_until_full()
        assert pool.expected_wait == 2.0
        calls.append(callers.submit(pool.map, held.hold, [2, 3]))
        while pool._tasks < 3:
            pass
        assert pool.expected_wait == 6.0
        held.opened.set()
        assert [call.result(MOST) for call in calls] == [[1], [2, 3]]


def test_what_runs_longer_than_usual_is_expected_to_take_as_long_again() -> None:
    """Photographs that took a twentieth of a second held everybody else for two minutes."""
    clock = Clock()
    pool, held = WorkerPool(2, timer=clock), HeldTask(2)
    pool.map(clock.take, [1.0])
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, [1, 2])
        held.wait_until_full()
        clock.take(0.75)
        assert pool.expected_wait == 0.25
        clock.take(4.25)
        assert pool.expected_wait == 5.0
        with pytest.raises(Overloaded) as refused:
            pool.map(str, [3])
        held.opened.set()
        assert refused.value.retry_after == 5
        assert call.result(MOST) == [1, 2]
    assert pool.map(str, [4]) == ["4"]


def test_nobody_waits_longer_than_a_photograph_may_take() -> None:
    pool, held = WorkerPool(1, longest_photograph=0.05), HeldTask(1)
    with pytest.raises(Overloaded):
        pool.map(held.hold, [1, 2])
    assert pool.expected_wait > 0.0
    held.opened.set()
    while pool.expected_wait:
        pass
    assert pool.map(str, [3]) == ["3"]


def test_one_worker_that_is_stuck_does_not_shut_out_those_whom_others_serve() -> None:
    clock = Clock()
    pool, held = WorkerPool(2, timer=clock), HeldTask(1)
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, [1])
        held.wait_until_full()
        clock.take(100.0)
        assert pool.expected_wait == 0.0
        assert pool.map(str, [2]) == ["2"]
        held.opened.set()
        assert call.result(MOST) == [1]


def test_one_photograph_does_not_wait_for_all_of_a_long_call() -> None:
    pool, held, order = WorkerPool(1), HeldTask(1), list[int]()

    def noted(item: int) -> None:
        held.hold(item)
        order.append(item)

    with ThreadPoolExecutor() as callers:
        callers.submit(pool.map, noted, range(20))
        held.wait_until_full()
        callers.submit(pool.map, noted, [99])
        while pool._calls < 2:
            pass
        held.opened.set()
    assert order.index(99) < 10


def test_what_a_call_still_needs_is_done_however_full_the_queue() -> None:
    pool, held = WorkerPool(1, waiting=0), HeldTask(1)
    with ThreadPoolExecutor() as callers:
        call = callers.submit(pool.map, held.hold, [1])
        held.wait_until_full()
        assert pool.map_unbounded(str, [2, 3]) == ["2", "3"]
        held.opened.set()
        assert call.result(MOST) == [1]


def test_at_the_start_all_the_workers_work_at_once() -> None:
    together = threading.Barrier(4)
    assert len(WorkerPool(4).warm_up(lambda _: together.wait(MOST), lambda: 1)) == 4


def test_for_one_call_one_worker_tries_once() -> None:
    rounds: list[int] = []
    assert WorkerPool(4, one_call=True).warm_up(rounds.append, lambda: 1) == [1]
    assert rounds == [1]
