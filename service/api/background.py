"""What a running server does by itself, every so often, in threads of their own.

It removes the expired, brings the search index up to date, ends the moves to another model in which
everybody was moved, notes when API keys were used, looks what the machine gives, and after the embedded database.
And it tells whether it can serve, in time, whatever else it does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from anyio import CapacityLimiter
from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import FastAPI

from service.api.concurrency import MOST_THREADS
from service.api.rate_limits import TtlSet
from service.api.settings import ApiSettings
from service.api.shortfalls import log_shortfall
from service.domain.capacity import cpu_shortfall
from service.domain.errors import FaceError
from service.domain.expiry import ClockWatch
from service.machine import memory_limit, own_memory
from service.telemetry.metrics import Metrics
from service.texts import Language
from service.usecases.capacity import CheckCapacity
from service.usecases.erase import PurgeBatch
from service.usecases.index_sync import IndexSync
from service.usecases.model_move import AdvanceMoves
from service.usecases.readiness import CheckReadiness, Readiness
from service.usecases.use_cases import UseCases

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long the end of the server waits for the work under way."""

SYNC_SECONDS = 1.0
"""Between two looks for what was written: until then it is scanned in the database."""

MOVE_SECONDS = 60.0
"""Between two looks whether everybody of a collection was moved to another model: counting a million
people takes a second."""

CAPACITY_SECONDS = 60.0
"""Between two looks at what the machine gives, which read some hundred small files."""

REPEAT_SECONDS = 600.0
"""Between two lines in the log that tell the same of the machine."""

USES_SECONDS = 10.0
"""Between two looks for API keys that were used."""

RESTART_SECONDS = 1.0
"""Between two looks for the embedded database, which cost less than a millisecond."""

READY_SECONDS = 5.0
"""How long the database may take to answer before it counts as unavailable."""


class PurgeBatches(Protocol):
    """What removes the expired, a batch at a time."""

    def __call__(self, *, wait: bool) -> Iterator[PurgeBatch]: ...


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """`work` is given the event that asks it to stop early. `interval`: seconds; 0: never. `at_end`: once
    more when the server stops.
    """

    name: str
    work: Callable[[threading.Event], None]
    interval: float
    at_end: bool = False


def background_tasks(
    use_cases: UseCases, settings: ApiSettings, metrics: Metrics
) -> Iterator[BackgroundTask]:
    """All that this server does by itself."""
    yield purge_expired(use_cases.purge.batches, settings.purge_interval)
    yield write_uses(use_cases.api_keys.uses.write)
    if use_cases.capacity is not None:
        yield watch_capacity(use_cases.capacity, settings.language, metrics)
    if use_cases.index_sync is not None:
        yield sync_index(use_cases.index_sync, metrics)
    if use_cases.advance_moves is not None:
        yield advance_moves(use_cases.advance_moves)
    if use_cases.restart_database is not None:
        yield restart_database(use_cases.restart_database)


def purge_expired(batches: PurgeBatches, interval: float) -> BackgroundTask:
    """Each worker does it; whichever comes first does the work. From the second look on: until then
    nobody knows how its clock runs.
    """
    watch = ClockWatch(lambda: datetime.now(UTC))

    def look(stop: threading.Event) -> None:
        if watch.ran_steadily():
            _purge_once(batches, stop)

    return BackgroundTask("the purge", look, interval)


def sync_index(sync: IndexSync, metrics: Metrics) -> BackgroundTask:
    """`sync`: brings what is held in memory up to date. `metrics`: told how far it came."""

    def look(_: threading.Event) -> None:
        try:
            sync()
        finally:
            metrics.search_state(sync.index.state())

    return BackgroundTask("the index sync", look, SYNC_SECONDS)


def watch_capacity(check: CheckCapacity, language: Language, metrics: Metrics) -> BackgroundTask:
    """What a busy neighbor takes is told when it begins, and again after ten minutes. From now on: in a start
    the processes of a server wait for each other.
    """
    check.use_since_last()
    quiet = TtlSet(time.monotonic)

    def look(_: threading.Event) -> None:
        metrics.has_memory(own_memory()[0], memory_limit())
        use = check.use_since_last()
        if use is None:
            return
        metrics.uses_cpu(use)
        shortfall = cpu_shortfall(use, check.threads)
        if shortfall is not None and not quiet.seconds_left(shortfall.code):
            quiet.add(shortfall.code, REPEAT_SECONDS)
            log_shortfall(shortfall, language)

    return BackgroundTask("the look at the machine", look, CAPACITY_SECONDS)


def advance_moves(advance: AdvanceMoves) -> BackgroundTask:
    """Each worker does it; whichever comes first does the work."""

    def look(_: threading.Event) -> None:
        for model_id in advance():
            logger.warning(
                "a collection is decided by %s alone from now on: once all are, set FACE_MODEL_NAME",
                model_id,
            )

    return BackgroundTask("the look after models", look, MOVE_SECONDS)


def write_uses(write: Callable[[], None]) -> BackgroundTask:
    """`write`: notes when API keys were used last."""
    return BackgroundTask("the note of used API keys", lambda _: write(), USES_SECONDS, at_end=True)


def restart_database(restart: Callable[[], None]) -> BackgroundTask:
    """`restart`: starts the embedded database again where it was killed."""
    return BackgroundTask("the look after the database", lambda _: restart(), RESTART_SECONDS)


def _purge_once(batches: PurgeBatches, stop: threading.Event) -> None:
    removed = held = 0
    try:
        for batch in batches(wait=False):
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


@contextmanager
def in_background(task: BackgroundTask) -> Iterator[None]:
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


def _repeat(task: BackgroundTask, stop: threading.Event) -> None:
    while not stop.is_set():
        _once(task, stop)
        stop.wait(task.interval)
    if task.at_end:
        _once(task, stop)


def _once(task: BackgroundTask, stop: threading.Event) -> None:
    """What fails now may work the next time. Never the error's own words: they may quote rows."""
    try:
        task.work(stop)
    except FaceError as error:
        logger.warning("%s stopped: %s", task.name, error.code)
    except Exception as error:  # the thread must outlive whatever happens
        logger.error("%s stopped: unexpected %s", task.name, type(error).__name__)


def lifespan(
    tasks: Callable[[], Iterable[BackgroundTask]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """They recur while the application serves, with as many threads for calls as it needs."""

    @asynccontextmanager
    async def serving(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = MOST_THREADS
        with ExitStack() as running:
            for task in tasks():
                running.enter_context(in_background(task))
            yield

    return serving


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
