"""What every part of the wiring is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.config import AppConfig
from service.domain.ports import NO_TELEMETRY, Telemetry

if TYPE_CHECKING:
    from service.telemetry.metrics import Metrics

DISTRIBUTION = "face-enrollment-service"


class Parts:
    """Each is built when it is first asked for.

    So `face apikey list` loads no model, and `face directory` starts no database. Rooms are
    imported late for the same reason.

    `confined`: folders are read below `image_roots` only, as for callers over HTTP; the command
    line and the Python API read what their user may.

    `workers`: threads of the engine; None: one per core.

    `metrics`: told how long each stage takes; None: nobody asks.
    """

    def __init__(
        self,
        config: AppConfig,
        *,
        confined: bool = False,
        metrics: Metrics | None = None,
        workers: int | None = None,
    ) -> None:
        self.config = config
        self._confined = confined
        self._metrics = metrics
        self._telemetry: Telemetry = metrics or NO_TELEMETRY
        self._workers = workers


def now() -> datetime:
    return datetime.now(UTC)
