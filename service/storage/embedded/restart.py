"""The embedded server is started again where it was killed alone, but not without end."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from service.storage.embedded.server import EmbeddedServer

RESTARTS, WITHIN_SECONDS = 5, 600.0
"""A server that dies more often dies of something that another start does not mend: a full disk, too
little memory. Then it is left alone until the oldest of these starts is so long ago.
"""

_logger = logging.getLogger(__name__)


class ServerRestart:
    """Looks after one server, called every second or so by one thread of a process that serves."""

    def __init__(self, server: EmbeddedServer, timer: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._timer = timer
        self._begun: deque[float] = deque(maxlen=RESTARTS)
        self._given_up = False

    def __call__(self) -> None:
        """Raises `DatabaseUnavailable` where it does not start; the next call tries again."""
        if self._server.runs:
            return
        if self._may_not_yet():
            self._give_up()
            return
        self._begun.append(self._timer())
        self._given_up = False
        _logger.warning(
            "the embedded database is gone, and started again (%s of %s in %.0f minutes)",
            *(len(self._begun), RESTARTS, WITHIN_SECONDS / 60),
        )
        if self._server.restart():
            _logger.warning("the embedded database runs again")

    def _may_not_yet(self) -> bool:
        full = len(self._begun) == RESTARTS
        return full and self._timer() - self._begun[0] < WITHIN_SECONDS

    def _give_up(self) -> None:
        if not self._given_up:
            self._given_up = True
            _logger.error(
                "the embedded database went %s times in %.0f minutes, and is left alone for a while:"
                " see the log in its folder",
                *(RESTARTS, WITHIN_SECONDS / 60),
            )
