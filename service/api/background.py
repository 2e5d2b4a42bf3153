"""Work that a running server does by itself, every so often, in a thread of its own.

What a running server does by itself: it removes the expired, keeps up with the gallery, and looks
after the embedded database.

Whether this process can serve, told in time whatever else it does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from anyio import CapacityLimiter
from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import FastAPI

from service.api.concurrency import MOST_THREADS
from service.domain.errors import FaceError
from service.domain.expiry import ClockWatch
from service.telemetry.metrics import Metrics
from service.usecases.erase import PurgeBatch
from service.usecases.index_sync import IndexSync
from service.usecases.readiness import CheckReadiness, Readiness

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long the end of the server waits for the work under way."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """`work` is given the event that asks it to stop early. `interval`: seconds; 0: never."""

    name: str
    work: Callable[[threading.Event], None]
    interval: float


@contextmanager
def recurring(task: Recurring) -> Iterator[None]:
    """A thread does it now and then every `interval` seconds."""
    if not task.interval:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_repeat, args=(task, stop), name=task.name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def _repeat(task: Recurring, stop: threading.Event) -> None:
    while not stop.is_set():
        _once(task, stop)
        stop.wait(task.interval)


def _once(task: Recurring, stop: threading.Event) -> None:
    """What fails now may work the next time. Never the error's own words: they may quote rows."""
    try:
        task.work(stop)
    except FaceError as error:
        logger.warning("%s stopped: %s", task.name, error.code)
    except Exception as error:  # the thread must outlive whatever happens
        logger.error("%s stopped: unexpected %s", task.name, type(error).__name__)


def lifespan(
    tasks: Callable[[], Sequence[Recurring]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """They recur while the application serves, with as many threads for calls as it needs."""

    @asynccontextmanager
    async def serving(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = MOST_THREADS
        with ExitStack() as running:
            for task in tasks():
                running.enter_context(recurring(task))
            yield

    return serving


FOLLOW_SECONDS = 1.0
"""Between two looks for what was written: until then it is scanned in the database."""

RESTART_SECONDS = 1.0
"""Between two looks for the embedded database, which cost less than a millisecond."""


class Purge(Protocol):
    """The use case, as far as it is used here."""

    def batches(self, *, wait: bool) -> Iterator[PurgeBatch]: ...


def sweeping(purge: Purge, interval: float) -> Recurring:
    """Each worker does it; whichever comes first does the work. From the second look on: until then
    nobody knows how its clock runs.
    """
    watch = ClockWatch(lambda: datetime.now(UTC))

    def look(stop: threading.Event) -> None:
        if watch.ran_steadily():
            _purge_once(purge, stop)

    return Recurring("the purge", look, interval)


def following(keep: IndexSync, metrics: Metrics) -> Recurring:
    """`keep`: brings what is held in memory up to date. `metrics`: told how far it came."""

    def follow(_: threading.Event) -> None:
        try:
            keep()
        finally:
            metrics.search_state(keep.index.state())

    return Recurring("keeping the search state", follow, FOLLOW_SECONDS)


def restarting(restart: Callable[[], None]) -> Recurring:
    """`restart`: starts the embedded database again where it was killed."""
    return Recurring("the look after the database", lambda _: restart(), RESTART_SECONDS)


def _purge_once(purge: Purge, stop: threading.Event) -> None:
    removed = held = 0
    try:
        for batch in purge.batches(wait=False):
            removed += batch.removed
            held += 0 if batch.held is None else batch.held.number
            if stop.is_set():
                break
    finally:
        if removed:
            logger.info("%s people expired and were removed", removed)
        if held:
            logger.warning(
                "%s expired people were not removed, since they are unusually many: look at the"
                " clocks and at `face purge`, which tells whose they are",
                held,
            )


READY_SECONDS = 5.0
"""How long the database may take to answer before it counts as unavailable."""


class TimelyReadiness:
    """One look at a time, in a thread of its own; whoever asks meanwhile shares the answer."""

    def __init__(self, seconds: float = READY_SECONDS) -> None:
        self._seconds = seconds
        self._thread = CapacityLimiter(1)
        self._look: asyncio.Task[Readiness] | None = None

    async def of(self, check: CheckReadiness) -> Readiness:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(run_sync(check, limiter=self._thread))
        try:
            return await asyncio.wait_for(asyncio.shield(self._look), self._seconds)
        except TimeoutError:
            return check.without_database()
