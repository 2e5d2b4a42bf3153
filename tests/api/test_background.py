"""The purge of a running server: at once, again and again, whatever fails, until it stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from service.api.background import (
    BackgroundTask,
    in_background,
    purge_expired,
    watch_capacity,
    write_uses,
)
from service.domain.capacity import CpuUse
from service.domain.errors import DatabaseUnavailable
from service.domain.expiry import Expired
from service.telemetry.metrics import Metrics
from service.usecases.capacity import CheckCapacity
from service.usecases.erase import PurgeBatch

SECONDS = 10.0
"""How long to wait for what must happen."""

SOON, LATER = 0.001, 3600.0


class StandInPurge:
    """Counts its runs, and ends each as it is told to."""

    def __init__(self, *endings: Exception | PurgeBatch) -> None:
        self._endings = iter(endings)
        self.runs = threading.Semaphore(0)
        self.waits: list[bool] = []

    def batches(self, *, wait: bool) -> Iterator[PurgeBatch]:
        self.waits.append(wait)
        self.runs.release()
        ending = next(self._endings, PurgeBatch("default"))
        if isinstance(ending, Exception):
            raise ending
        yield ending

    def ran(self, times: int) -> bool:
        return all(self.runs.acquire(timeout=SECONDS) for _ in range(times))


def _running(purge: StandInPurge, interval: float) -> AbstractContextManager[None]:
    return in_background(purge_expired(purge.batches, interval))


def test_purges_from_the_second_look_on() -> None:
    """A process that lives for a moment, with a clock that is set forward for a moment, has one."""
    purge, stop = StandInPurge(), threading.Event()
    task = purge_expired(purge.batches, LATER)
    task.work(stop)
    assert purge.waits == []
    task.work(stop)
    assert purge.waits == [False]


def test_purges_again_and_again() -> None:
    purge = StandInPurge()
    with _running(purge, SOON):
        assert purge.ran(5)


def test_leaves_the_work_to_another_worker_who_is_at_it() -> None:
    purge = StandInPurge()
    with _running(purge, SOON):
        assert purge.ran(1)
    assert set(purge.waits) == {False}


def test_interval_of_zero_is_never() -> None:
    purge = StandInPurge()
    with _running(purge, 0):
        pass
    assert purge.waits == []


def test_stops_with_the_server() -> None:
    before = threading.active_count()
    with _running(StandInPurge(), SOON):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_uses_of_keys_are_written_once_more_at_the_end() -> None:
    written = threading.Semaphore(0)
    with in_background(write_uses(written.release)):
        assert written.acquire(timeout=SECONDS)
    assert written.acquire(blocking=False)


def test_other_work_is_not_done_at_the_end() -> None:
    done = threading.Semaphore(0)
    with in_background(BackgroundTask("work", lambda _: done.release(), LATER)):
        assert done.acquire(timeout=SECONDS)
    assert not done.acquire(blocking=False)


def test_stops_between_two_batches() -> None:
    class EndlessPurge(StandInPurge):
        def batches(self, *, wait: bool) -> Iterator[PurgeBatch]:
            self.waits.append(wait)
            self.runs.release()
            while True:
                yield PurgeBatch("default", removed=1)

    before = threading.active_count()
    purge = EndlessPurge()
    with _running(purge, SOON):
        assert purge.ran(1)
    assert threading.active_count() == before


@pytest.mark.parametrize("failure", [DatabaseUnavailable(), ValueError("kim")])
def test_failure_is_told_without_its_words_and_the_next_run_comes(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    purge = StandInPurge(failure)
    with caplog.at_level(logging.WARNING, "service.api.background"), _running(purge, SOON):
        assert purge.ran(3)
    (record,) = caplog.records
    assert "kim" not in record.getMessage()


def test_tells_how_many_were_removed(caplog: pytest.LogCaptureFixture) -> None:
    purge = StandInPurge(PurgeBatch("default", removed=7))
    with caplog.at_level(logging.INFO, "service.api.background"), _running(purge, SOON):
        assert purge.ran(2)
    assert [record.getMessage() for record in caplog.records] == [
        "7 people expired and were removed"
    ]


def test_tells_how_many_were_held_back_and_of_no_collection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    purge = StandInPurge(PurgeBatch("visitors", held=Expired(400, 500)))
    with caplog.at_level(logging.INFO, "service.api.background"), _running(purge, SOON):
        assert purge.ran(2)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("400 expired people were not removed")
    assert "visitors" not in record.getMessage()


class Waits(CheckCapacity):
    """Has waited half of the time at every look."""

    def use_since_last(self) -> CpuUse:
        return CpuUse(at=60, ran=1, waited=1, stolen=0, passed=120, periods=0, throttled=0)


def test_busy_neighbor_is_counted_at_each_look_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics, check = Metrics(), Waits(1, 0, lambda: 0)
    task = watch_capacity(check, "en", metrics)
    for _ in range(3):
        task.work(threading.Event())
    told = [vars(record)["code"] for record in caplog.records]
    assert told == ["busy_neighbor"]
    assert metrics.registry.get_sample_value("face_cpu_wait_ratio") == 0.5
    used, there = (
        metrics.registry.get_sample_value(name) or 0
        for name in ("face_memory_bytes", "face_memory_limit_bytes")
    )
    assert 0 < used < there
