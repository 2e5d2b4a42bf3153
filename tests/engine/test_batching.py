"""Calls that wait at the same time share a batch, and its fate."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.engine.pool import LARGEST_BATCH, Batches

MOST = 10.0
"""Seconds after which a test stops waiting for another thread."""


class HeldBatch:
    """Doubles numbers; the first batch is held until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.busy, self.free = threading.Event(), threading.Event()

    def work(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        self.busy.set()
        assert self.free.wait(MOST)
        if -1 in numbers:
            raise LookupError(-1)
        return [2 * number for number in numbers]


def gather(held: HeldBatch, *calls: list[int]) -> list[Future[list[int]]]:
    """The answers of calls that came while an earlier batch, of a lone 0, was at work."""
    batches = Batches(held.work)
    with ThreadPoolExecutor(len(calls) + 1) as callers:
        callers.submit(batches, [0])
        assert held.busy.wait(MOST)
        answers = [callers.submit(batches, call) for call in calls]
        while len(batches._waiting) < len(calls):
            pass
        held.free.set()
    return answers


def test_one_call_alone_does_not_wait_for_others() -> None:
    held = HeldBatch()
    held.free.set()
    assert Batches(held.work)([1, 2]) == [2, 4]


def test_what_waits_meanwhile_becomes_one_batch() -> None:
    held = HeldBatch()
    gather(held, [1], [2, 3], [4])
    assert sorted(held.batches[1]) == [1, 2, 3, 4]
    assert len(held.batches) == 2


def test_each_call_gets_its_own_answers_in_order() -> None:
    answers = gather(HeldBatch(), [1], [2, 3], [4])
    assert [answer.result(MOST) for answer in answers] == [[2], [4, 6], [8]]


def test_a_batch_that_fails_fails_each_of_its_calls() -> None:
    for answer in gather(HeldBatch(), [1], [-1]):
        with pytest.raises(LookupError):
            answer.result(MOST)


def test_a_batch_has_an_end() -> None:
    held, half = HeldBatch(), LARGEST_BATCH // 2 + 1
    gather(held, [1] * half, [2] * half)
    assert [len(batch) for batch in held.batches] == [1, half, half]
