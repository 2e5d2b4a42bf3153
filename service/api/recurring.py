"""Work that a running server does by itself, every so often, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from service.api.concurrency import MOST_THREADS
from service.domain.errors import FaceError

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
