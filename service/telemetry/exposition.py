"""The text that Prometheus reads: of this process, or of all workers of a server together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.domain.errors import FaceError
from service.telemetry import SHARED_FOLDER
from service.telemetry.metrics import Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(metrics: Metrics) -> bytes:
    """All metrics as text of the type `CONTENT_TYPE`."""
    folder = os.environ.get(SHARED_FOLDER)
    if not folder:
        return generate_latest(metrics.registry)
    forget_dead_processes(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)
    return generate_latest(together)


def forget_dead_processes(folder: Path) -> None:
    """A worker that died leaves the calls it was at; what it counted until then stays counted."""
    for process_id in _process_ids(folder.glob("gauge_live*.db")):
        if not psutil.pid_exists(process_id):
            mark_process_dead(process_id, str(folder))


def _process_ids(files: Iterable[Path]) -> set[int]:
    """Files are called `gauge_livesum_123.db`."""
    return {int(file.stem.rpartition("_")[2]) for file in files}


class Exposition:
    """The metrics of the service as they are read.

    `oldest_key`: when the oldest data key in use was made; `clock_difference`: by how much this
    machine's clock is ahead of the database's. Both are looked up at each reading.
    """

    def __init__(
        self,
        metrics: Metrics,
        oldest_key: Callable[[], datetime | None],
        clock_difference: Callable[[], timedelta],
    ) -> None:
        self._metrics = metrics
        self._oldest_key = oldest_key
        self._clock_difference = clock_difference

    def __call__(self) -> bytes:
        """Text of the type `CONTENT_TYPE`."""
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
