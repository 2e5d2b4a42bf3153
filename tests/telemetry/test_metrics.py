"""What is counted, and what a reader of the counts cannot learn."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.domain.decision import decide
from service.domain.errors import DatabaseUnavailable
from service.domain.thresholds import ARCFACE
from service.telemetry import SHARED_FOLDER
from service.telemetry.metrics import (
    SIMILARITY_BUCKETS,
    STAGES,
    Exposition,
    Metrics,
    exposition,
    forget_dead_processes,
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def verified(metrics: Metrics, similarity: float) -> None:
    metrics.decided(decide(similarity, ARCFACE.profile("balanced"), ARCFACE))


def no_key() -> datetime | None:
    return None


def no_difference() -> timedelta:
    return timedelta(0)


ONE_WORKER = """
from service.telemetry import SHARED_FOLDER
from service.telemetry.metrics import exposition
from service.telemetry.metrics import Metrics
from tests.telemetry.test_metrics import verified

metrics = Metrics()
verified(metrics, {similarity})
print(exposition(metrics).decode())
"""


@pytest.mark.parametrize(
    ("similarity", "step"), [(0.7123, 0.75), (0.3, 0.3), (0.4001, 0.45), (-0.01, 0.0)]
)
def test_sum_of_similarities_tells_no_more_than_the_buckets(
    tmp_path: Path, similarity: float, step: float
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", ONE_WORKER.format(similarity=similarity)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, SHARED_FOLDER: str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert f'face_similarity_sum{{call="verify"}} {step}\n' in told.stdout
    assert step in SIMILARITY_BUCKETS


def test_buckets_end_where_bands_and_thresholds_do() -> None:
    assert {0.2, 0.3, 0.4, 0.45, 0.5} <= set(SIMILARITY_BUCKETS)


def test_decision_counts_under_band_and_recommendation(metrics: Metrics) -> None:
    verified(metrics, 0.35)
    counted = {"band": "borderline", "recommendation": "recapture"}
    assert value(metrics, "face_decisions_total", **counted) == 1
    assert value(metrics, "face_decisions_total", band="high", recommendation="allow") == 0


def test_search_that_names_nobody_has_no_similarity(metrics: Metrics) -> None:
    metrics.searched(None)
    assert value(metrics, "face_searches_total", found="false") == 1
    assert value(metrics, "face_similarity_count", call="search") == 0


def test_series_are_there_before_their_first_event(metrics: Metrics) -> None:
    for stage in STAGES:
        assert value(metrics, "face_stage_seconds_count", stage=stage) == 0


def test_calls_under_way_are_counted_until_they_fail(metrics: Metrics) -> None:
    with metrics.stage("detect"):
        assert value(metrics, "face_engine_calls") == 1
    with pytest.raises(KeyError), metrics.stage("detect"):
        raise KeyError
    assert value(metrics, "face_engine_calls") == 0
    assert value(metrics, "face_stage_seconds_count", stage="detect") == 2


def test_call_that_nobody_was_left_for_has_no_status(metrics: Metrics) -> None:
    metrics.answered("POST", "/verify", None, None, 1.0)
    assert b'route="/verify"' not in exposition(metrics)


def test_age_of_the_oldest_key_is_asked_for_at_each_reading(metrics: Metrics) -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    Exposition(metrics, lambda: made, no_difference)()
    assert value(metrics, "face_oldest_data_key_timestamp_seconds") == made.timestamp()


def test_difference_of_the_clocks_is_asked_for_at_each_reading(metrics: Metrics) -> None:
    Exposition(metrics, no_key, lambda: timedelta(minutes=-2))()
    assert value(metrics, "face_clock_difference_seconds") == -120


def test_without_a_database_the_other_numbers_are_told(metrics: Metrics) -> None:
    def unreachable() -> datetime | None:
        raise DatabaseUnavailable

    assert b"face_engine_calls 0.0" in Exposition(metrics, unreachable, no_difference)()


def test_what_a_dead_worker_was_at_is_forgotten_and_what_it_counted_is_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"gauge_livesum_{ended.pid}.db", f"counter_{ended.pid}.db", "gauge_livesum_1.db"]
    for name in names:
        (tmp_path / name).touch()
    forget_dead_processes(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(names[1:])
