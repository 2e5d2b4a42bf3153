"""The numbers, and what each of them counts.

Labels are bounded: patterns of routes, codes, stages, bands. Never an id, a collection or a key's
name, all of which are the callers' own words.

The text that Prometheus reads is of this process, or of all workers of a server together.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.domain.active_liveness import Verdict
from service.domain.capacity import CpuUse
from service.domain.decision import Decision, Recommendation
from service.domain.errors import FaceError
from service.domain.liveness_session import Purpose
from service.domain.ports import ModelIdentity
from service.domain.search import SearchProblem, SearchState
from service.domain.thresholds import Band
from service.telemetry import SHARED_FOLDER

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. A key's look-up takes some 5 ms, one photograph 20 to 200, a full queue seconds."""

STAGE_BUCKETS = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds. Opening a template takes less than 0.1 ms; a lock is waited for up to 10 s."""

SIMILARITY_STEP = 0.05
SIMILARITY_BUCKETS = tuple(round(n * SIMILARITY_STEP, 2) for n in range(-4, 21))
"""Cosines from -0.2 to 1. Bands and usual thresholds are whole steps, so that the shares on either
side of them can be read off."""

FALSE_CANDIDATE_BUCKETS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""People times FMR. 0.1 is the most that a collection allows, unless it says otherwise."""

STAGES = ("detect", "embed", "transaction", "lock", "shortlist", "search", "open")
"""`detect`: decoding included. `transaction`: waiting for a connection included, and so are the
last three. `lock`: waiting for the collection's lock. `shortlist`: the search in memory. `search`: the
scan of its rows, or of all. `open`: one seal."""


CONNECTIONS_ENDED_FOR = ("handshake", "head", "body", "answer", "crowded", "refused")
"""What the other end of a connection had not done in time, or that there was no place for it."""


class Metrics:
    """Everything that one process counts. Safe to share between threads.

    Under `PROMETHEUS_MULTIPROC_DIR` the values lie in files there, for all processes together.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "face_http_request_seconds",
            "Time from a request's head to the end of its answer.",
            ["method", "route", "status"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._problems = Counter(
            "face_http_problems",
            "Answers that were problem documents, by their code.",
            ["route", "code"],
            registry=registry,
        )
        self._http_connections = Gauge(
            "face_http_connections",
            "Connections of callers that are open.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._http_connections_limit = Gauge(
            "face_http_connections_limit",
            "Connections of callers that may be open.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._connections_ended = Counter(
            "face_http_connections_ended",
            "Connections that were cut off, by what the other end had not done in time.",
            ["why"],
            registry=registry,
        )
        self._stages = Histogram(
            "face_stage_seconds",
            "Time that calls spent in a stage.",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self._decisions = Counter(
            "face_decisions",
            "Verifications by their answer.",
            ["band", "recommendation"],
            registry=registry,
        )
        self._searches = Counter(
            "face_searches",
            "Duplicate checks and identifications by whether they named anybody.",
            ["found"],
            registry=registry,
        )
        self._false_candidates = Histogram(
            "face_expected_false_candidates",
            "Strangers that a search names on average, of searches at a measured threshold.",
            buckets=FALSE_CANDIDATE_BUCKETS,
            registry=registry,
        )
        self._similarity = Histogram(
            "face_similarity",
            "Cosines answered, to steps of 0.05: of a verification, or of a search's best candidate.",
            ["call"],
            buckets=SIMILARITY_BUCKETS,
            registry=registry,
        )
        self._engine_calls = Gauge(
            "face_engine_calls",
            "Calls at the engine, at work or waiting.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._engine_limit = Gauge(
            "face_engine_calls_limit",
            "Calls that the engine takes; the next is refused as overloaded.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._engine_workers = Gauge(
            "face_engine_workers",
            "Threads that analyze photographs.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._transactions = Gauge(
            "face_database_transactions",
            "Transactions open, those that wait for a connection included.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._connections_limit = Gauge(
            "face_database_connections_limit",
            "Connections that the pools may make.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._oldest_key = Gauge(
            "face_oldest_data_key_timestamp_seconds",
            "When the oldest data key in use was made, in Unix time.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._purge_held = Gauge(
            "face_purge_held",
            "Expired people who are not removed before an operator has looked.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._moves = Gauge(
            "face_model_move_people",
            "People of collections that are moved to another model: moved, or still waiting.",
            ["state"],
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._clock_difference = Gauge(
            "face_clock_difference_seconds",
            "By how much this machine's clock is ahead of the database's.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._search_rows = Gauge(
            "face_search_rows",
            "Templates held in memory for searches.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._search_bytes = Gauge(
            "face_search_bytes",
            "Memory that they take.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._search_behind = Gauge(
            "face_search_behind",
            "Templates written and not held yet; searches scan them in the database.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._search_problem = Gauge(
            "face_search_problem",
            "1 for what keeps searches from the memory.",
            ["problem"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._cpu_waits = Gauge(
            "face_cpu_wait_ratio",
            "Share of the time that threads wanted to run in which they had no core, in the last minute.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._cpu_throttles = Gauge(
            "face_cpu_throttled_ratio",
            "Share of the last minute's periods in which the CPU limit was used up.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._memory = Gauge(
            "face_memory_bytes",
            "Memory that no other process shares.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._memory_limit = Gauge(
            "face_memory_limit_bytes",
            "Memory of the machine, or what a control group may have of it.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._shortlists = Counter(
            "face_shortlists",
            "Searches of held collections by what they compared: a shortlist, or every row.",
            ["compared"],
            registry=registry,
        )
        self._liveness = Counter(
            "face_liveness",
            "Liveness sessions that were used, by their verdict.",
            ["purpose", "verdict"],
            registry=registry,
        )
        self._model = Gauge(
            "face_model_info",
            "1 for the served model, and what it runs on.",
            ["model", "sha256", "provider"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._build = Gauge(
            "face_build_info",
            "1 for the running version.",
            ["version", "python"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._under_way = {
            "detect": self._engine_calls,
            "embed": self._engine_calls,
            "transaction": self._transactions,
        }
        self._show_from_the_start()

    def answered(
        self, method: str, route: str, status: int | None, code: str | None, seconds: float
    ) -> None:
        """One call is over. `route`: a pattern, never a path. `status`: None where nobody was left
        to be answered. `code`: of the problem document, where the answer is one.
        """
        if status is not None:
            self._requests.labels(method, route, str(status)).observe(seconds)
        if code is not None:
            self._problems.labels(route, code).inc()

    def connected(self, number: int) -> None:
        """So many connections of callers are open."""
        self._http_connections.set(number)

    def takes_connections(self, limit: int) -> None:
        self._http_connections_limit.set(limit)

    def connection_ended(self, why: str) -> None:
        self._connections_ended.labels(why).inc()

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Times the block as one of `STAGES`, and counts those that are at it where that is asked."""
        timer = self._stage[name].time()
        under_way = self._under_way.get(name)
        return timer if under_way is None else _both(under_way.track_inprogress(), timer)

    def decided(self, decision: Decision) -> None:
        self._decisions.labels(decision.band.value, decision.recommendation.value).inc()
        self._similarity.labels("verify").observe(_in_steps(decision.similarity))

    def searched(self, best: float | None) -> None:
        """`best`: the cosine of the most similar candidate; None where nobody was found."""
        self._searches.labels("true" if best is not None else "false").inc()
        if best is not None:
            self._similarity.labels("search").observe(_in_steps(best))

    def expects_false_candidates(self, number: float) -> None:
        """A search was made that names so many strangers on average."""
        self._false_candidates.observe(number)

    def search_state(self, state: SearchState) -> None:
        self._search_rows.set(state.rows)
        self._search_bytes.set(state.size)
        self._search_behind.set(state.behind)
        for problem in SearchProblem:
            self._search_problem.labels(problem.value).set(problem is state.problem)

    def shortlisted(self, *, found: bool) -> None:
        """`found`: whether there was a shortlist."""
        self._shortlists.labels("shortlist" if found else "all").inc()

    def judged(self, purpose: Purpose, verdict: Verdict) -> None:
        self._liveness.labels(purpose.value, verdict.value).inc()

    def runs_on(self, model: ModelIdentity, provider: str, workers: int, calls: int) -> None:
        """`calls`: how many the engine takes, with those that wait."""
        self._model.labels(model.name, model.sha256, provider).set(1)
        self._engine_workers.set(workers)
        self._engine_limit.set(calls)

    def uses_cpu(self, use: CpuUse) -> None:
        """What was used since the last time."""
        self._cpu_waits.set(use.waits)
        self._cpu_throttles.set(use.throttles)

    def has_memory(self, own: int, limit: int) -> None:
        """`own`: bytes of this process; `limit`: of all."""
        self._memory.set(own)
        self._memory_limit.set(limit)

    def connects(self, connections: int) -> None:
        self._connections_limit.set(connections)

    def is_build(self, version: str, python: str) -> None:
        self._build.labels(version, python).set(1)

    def purge_holds(self, people: int) -> None:
        self._purge_held.set(people)

    def moves(self, moved: int, waiting: int) -> None:
        """How many people have a template of the next model, and how many have not, where people are moved."""
        self._moves.labels("moved").set(moved)
        self._moves.labels("waiting").set(waiting)

    def clock_differs(self, seconds: float) -> None:
        self._clock_difference.set(seconds)

    def oldest_key_made(self, timestamp: float) -> None:
        """`timestamp`: seconds of Unix time."""
        self._oldest_key.set(timestamp)

    def _show_from_the_start(self) -> None:
        """A series that is absent until its first event hides that event from `increase()`."""
        self._stage = {name: self._stages.labels(name) for name in STAGES}
        for call in ("verify", "search"):
            self._similarity.labels(call)
        for found in ("true", "false"):
            self._searches.labels(found)
        for compared in ("shortlist", "all"):
            self._shortlists.labels(compared)
        for purpose, verdict in product(Purpose, Verdict):
            self._liveness.labels(purpose.value, verdict.value)
        for problem in SearchProblem:
            self._search_problem.labels(problem.value)
        for why in CONNECTIONS_ENDED_FOR:
            self._connections_ended.labels(why)
        for band, recommendation in product(Band, Recommendation):
            self._decisions.labels(band.value, recommendation.value)


@contextmanager
def _both(
    outer: AbstractContextManager[object], inner: AbstractContextManager[object]
) -> Iterator[None]:
    with outer, inner:
        yield


def _in_steps(similarity: float) -> float:
    """The upper end of the bucket: a histogram's sum would otherwise tell one call's exact cosine
    to whoever reads it before and after.
    """
    # Rounded first: 0.3 / 0.05 is a little more than 6.
    return round(math.ceil(round(similarity / SIMILARITY_STEP, 6)) * SIMILARITY_STEP, 2)


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
