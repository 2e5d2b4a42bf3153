"""What the HTTP room tells, as numbers, and those numbers as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.domain.errors import FaceError
from service.observing.exposition import CONTENT_TYPE, exposition
from service.observing.metrics import Metrics


class PrometheusTelemetry:
    """Implements the HTTP room's `Telemetry`.

    `oldest_key`: when the oldest data key in use was made; looked up at each reading.
    """

    content_type = CONTENT_TYPE

    def __init__(
        self,
        metrics: Metrics,
        oldest_key: Callable[[], datetime | None],
    ) -> None:
        self._metrics = metrics
        self._oldest_key = oldest_key

    def answered(
        self, method: str, route: str, status: int | None, code: str | None, seconds: float
    ) -> None:
        if status is not None:
            self._metrics.answered(method, route, status, seconds)
        if code is not None:
            self._metrics.refused(route, code)

    def exposition(self) -> bytes:
        self._look_up_the_oldest_key()
        return exposition(self._metrics)

    def _look_up_the_oldest_key(self) -> None:
        """Without a database the last known one stands: the other numbers are wanted then most."""
        try:
            made = self._oldest_key()
        except FaceError:
            return
        if made is not None:
            self._metrics.oldest_key_made(made.timestamp())
