"""The text that Prometheus reads: of this process, or of all workers of a server together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.observing import SHARED_FOLDER
from service.observing.metrics import Metrics

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
