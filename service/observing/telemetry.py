"""What the HTTP room tells, as numbers, and those numbers as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from service.domain.errors import FaceError
from service.observing.exposition import CONTENT_TYPE, exposition
from service.observing.metrics import Metrics


class PrometheusTelemetry:
    """Implements the HTTP room's `Telemetry`.

    `oldest_key`: when the oldest data key in use was made; `clock_difference`: by how much this
    machine's clock is ahead of the database's. Both are looked up at each reading.
    """

    content_type = CONTENT_TYPE

    def __init__(
        self,
        metrics: Metrics,
        oldest_key: Callable[[], datetime | None],
        clock_difference: Callable[[], timedelta],
    ) -> None:
        self._metrics = metrics
        self._oldest_key = oldest_key
        self._clock_difference = clock_difference

    def answered(
        self, method: str, route: str, status: int | None, code: str | None, seconds: float
    ) -> None:
        if status is not None:
            self._metrics.answered(method, route, status, seconds)
        if code is not None:
            self._metrics.refused(route, code)

    def connections(self, number: int) -> None:
        self._metrics.connected(number)

    def connection_ended(self, why: str) -> None:
        self._metrics.connection_ended(why)

    def exposition(self) -> bytes:
        self._look_up()
        return exposition(self._metrics)

    def _look_up(self) -> None:
        """Without a database what was last known stands: the other numbers are wanted then most."""
        try:
            made, difference = self._oldest_key(), self._clock_difference()
        except FaceError:
            return
        if made is not None:
            self._metrics.oldest_key_made(made.timestamp())
        self._metrics.clock_differs(difference.total_seconds())
