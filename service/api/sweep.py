"""The purge that a running server does by itself, every so often."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Protocol

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from service.api.admission import MOST_THREADS
from service.domain.errors import FaceError

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long the end of the server waits for the batch under way; a batch takes tenths of one."""


class Purge(Protocol):
    """The use case, as far as it is used here."""

    def batches(self, *, wait: bool) -> Iterator[int]: ...


@contextmanager
def sweeping(purge: Purge, interval: float) -> Iterator[None]:
    """A thread purges now and then every `interval` seconds; 0: never.

    Each worker has one; whichever comes first does the work.
    """
    if not interval:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_sweep, args=(purge, interval, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def _sweep(purge: Purge, interval: float, stop: threading.Event) -> None:
    while not stop.is_set():
        _purge_once(purge, stop)
        stop.wait(interval)


def _purge_once(purge: Purge, stop: threading.Event) -> None:
    """What fails now may work the next time. Never the error's own words: they may quote rows."""
    removed = 0
    try:
        for batch in purge.batches(wait=False):
            removed += batch
            if stop.is_set():
                break
    except FaceError as error:
        logger.warning("the purge stopped: %s", error.code)
    except Exception as error:  # the thread must outlive whatever happens
        logger.error("the purge stopped: unexpected %s", type(error).__name__)
    if removed:
        logger.info("%s people expired and were removed", removed)


def lifespan(interval: float) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Sweeps while the application serves, with as many threads as it needs."""

    @asynccontextmanager
    async def serving(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = MOST_THREADS
        with sweeping(app.state.services.purge, interval):
            yield

    return serving
