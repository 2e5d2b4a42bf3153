"""One lock that many wait for, and everybody else's connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from service.domain.errors import Overloaded
from service.storage.engine import POOL_SIZE
from service.storage.storage import CONNECTIONS, MOST_WAITING, PoolShare, Storage

HELD = ("door",)
SECONDS = 60


def callers() -> ThreadPoolExecutor:
    """Enough threads for all of any test; each is over before the test is."""
    return ThreadPoolExecutor(200)


@contextmanager
def everybody(storage: Storage, *waits_for: str) -> Iterator[list[Future[None]]]:
    """As many calls as the pool has connections, all in want of one lock that somebody holds."""

    def call() -> None:
        with storage.transaction(*waits_for) as tx:
            tx.collections.lock_keys(waits_for[0])

    with callers() as threads, storage.transaction() as holder:
        holder.collections.lock_keys(waits_for[0])
        yield [threads.submit(call) for _ in range(POOL_SIZE)]


def test_held_lock_leaves_connections_to_calls_that_do_not_want_it(
    storage: Storage,
) -> None:
    with everybody(storage, "door") as waiting:
        for _ in range(POOL_SIZE):
            with storage.transaction("another") as tx:
                assert tx.collections.find_with_keys_locked("another") is None
        assert not all(one.done() for one in waiting)


def test_readiness_needs_none_of_the_pools_connections(storage: Storage) -> None:
    with callers() as threads:
        full, end = threading.Barrier(POOL_SIZE + 1), threading.Event()

        def call() -> None:
            with storage.transaction() as tx:
                tx.collections.names()
                full.wait(SECONDS)
                end.wait(SECONDS)

        for _ in range(POOL_SIZE):
            threads.submit(call)
        full.wait(SECONDS)
        storage.check()
        end.set()


def test_only_a_few_hold_a_connection_for_one_lock() -> None:
    share, end = PoolShare(), threading.Event()
    inside = threading.Semaphore(0)

    def call() -> None:
        with share.of(HELD):
            inside.release()
            end.wait(SECONDS)

    with callers() as threads:
        for _ in range(CONNECTIONS + 10):
            threads.submit(call)
        assert all(inside.acquire(timeout=SECONDS) for _ in range(CONNECTIONS))
        assert not inside.acquire(timeout=0.2)
        end.set()
        assert all(inside.acquire(timeout=SECONDS) for _ in range(10))


def test_those_who_wait_too_long_or_are_too_many_are_refused() -> None:
    share, end = PoolShare(longest_wait=0.5), threading.Event()
    refused = threading.Semaphore(0)

    def call() -> None:
        try:
            with share.of(HELD):
                end.wait(SECONDS)
        except Overloaded:
            refused.release()

    with callers() as threads:
        for _ in range(CONNECTIONS + MOST_WAITING + 1):
            threads.submit(call)
        assert all(refused.acquire(timeout=SECONDS) for _ in range(MOST_WAITING + 1))
        with share.of(("another",)):  # is free
            end.set()


def test_place_is_given_back_by_a_call_that_fails() -> None:
    share = PoolShare()
    for _ in range(CONNECTIONS + MOST_WAITING + 1):
        with pytest.raises(ValueError, match="ours"), share.of(HELD):
            raise ValueError("ours")
