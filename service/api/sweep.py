"""What a running server does by itself: it removes the expired, keeps up with the gallery, and looks
after the embedded database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from service.api.recurring import Recurring
from service.domain.purge import ClockWatch
from service.usecases.purge import PurgeBatch

logger = logging.getLogger(__name__)

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


def following(keep: Callable[[], None]) -> Recurring:
    """`keep`: brings what is held in memory up to date."""
    return Recurring("keeping the search state", lambda _: keep(), FOLLOW_SECONDS)


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
