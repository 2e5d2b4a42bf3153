"""How much of the pool may wait for one lock.

Whoever waits for a lock of the database holds a connection meanwhile. Were all of them taken by those
who wait for one collection, calls to every other would wait as long. So only a few of a process wait
for the same lock there; the others wait here, with nothing in their hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Semaphore
from typing import TypeAlias

from service.domain.errors import Overloaded

CONNECTIONS = 4
"""Of a process that may wait for the same lock: a fifth of the pool. The lock itself is held by one
at a time, and the next ones are there when it is let go.
"""

MOST_WAITING = 64
"""Calls that may wait for those few; the next is refused at once."""

LONGEST_WAIT = 20.0
"""Seconds that they wait: twice as long as for the lock itself, since they hold nothing. Of many who
enroll at the same time all are to get their answer."""

Locked: TypeAlias = tuple[str, ...]
"""What is locked: a collection, or a collection and a subject; empty: nothing."""


@dataclass(slots=True)
class _Queue:
    places: Semaphore = field(default_factory=lambda: Semaphore(CONNECTIONS))
    calls: int = 0
    """That have a place or wait for one."""


class PoolShare:
    """Safe to share between threads. `longest_wait`: seconds."""

    def __init__(self, longest_wait: float = LONGEST_WAIT) -> None:
        self._longest_wait = longest_wait
        self._queues: dict[Locked, _Queue] = {}
        """Of locks that are wanted now, and of no others: callers choose the names."""
        self._lock = Lock()

    @contextmanager
    def of(self, locked: Locked) -> Iterator[None]:
        """The block may take a connection and wait for this with it. Raises `Overloaded`."""
        if not locked:
            yield
            return
        queue = self._enter(locked)
        try:
            if not queue.places.acquire(timeout=self._longest_wait):
                raise Overloaded
            try:
                yield
            finally:
                queue.places.release()
        finally:
            self._leave(locked, queue)

    def _enter(self, locked: Locked) -> _Queue:
        with self._lock:
            queue = self._queues.setdefault(locked, _Queue())
            if queue.calls >= CONNECTIONS + MOST_WAITING:
                raise Overloaded
            queue.calls += 1
            return queue

    def _leave(self, locked: Locked, queue: _Queue) -> None:
        with self._lock:
            queue.calls -= 1
            if not queue.calls:
                del self._queues[locked]
