"""Calls a second over HTTP, by the number of callers, next to the engine without a service."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from uuid import uuid4

from scripts.bench.figures import Bar, Curve, Figure, Measured
from scripts.bench.http_load import Load, drive, multipart, once
from scripts.bench.photographs import FRAME, camera_frame
from scripts.bench.rounds import interleaved
from scripts.bench.serving import Installation
from scripts.bench.setup import Setup
from service.domain.callers import Scope
from service.domain.face import FaceCrop, Uploads
from service.wiring import Wiring

NEAR_THE_ENGINE = Bar(of="ratio", bound="at least", limit=0.85)
AT_THE_BAR = 16
BARE = "bare engine, the same uploads"
PATHS = ("/verify", "/enroll")

OVERLOADED = 503

ENROLLMENTS_A_SECOND = 300
"""More than any round needs: each asks for a subject of its own, and none is sent twice."""


class CallFailed(Exception):
    """The server answered with something else than yes."""


SMALL_PHOTOGRAPHS, CAMERA_FRAMES = "photographs of 150 pixels", "camera frames"


@dataclass(frozen=True, slots=True)
class Sizes:
    """`callers`, by what is uploaded. `threads`: from how many the bare engine is called; its best
    counts.
    """

    rounds: int
    seconds: float
    callers: Mapping[str, Sequence[int]]
    threads: Sequence[int]


FULL = Sizes(
    rounds=3,
    seconds=4.0,
    callers={SMALL_PHOTOGRAPHS: (1, 4, AT_THE_BAR, 64), CAMERA_FRAMES: (AT_THE_BAR,)},
    threads=(1, 2, 4, 8),
)
SMALL = Sizes(
    rounds=1, seconds=0.2, callers={SMALL_PHOTOGRAPHS: (2,), CAMERA_FRAMES: (2,)}, threads=(1,)
)


@dataclass(frozen=True, slots=True)
class EnrolledServer:
    """A running server with the photographed people enrolled."""

    address: tuple[str, int]
    key: str
    photographs: Mapping[str, Sequence[bytes]]

    def enroll_everybody(self) -> None:
        for subject, photographs in self.photographs.items():
            self._expect(self._enrollment(subject, photographs[0]), 201)

    def verifications(self) -> list[bytes]:
        """Requests: each photograph against whom it shows."""
        return [
            multipart("/verify", self.key, {"subjectId": subject}, [photograph])
            for subject, photographs in self.photographs.items()
            for photograph in photographs
        ]

    def enrollments(self, number: int) -> list[bytes]:
        """Requests, each under a name of its own; that the faces are known is not asked about."""
        uploads = [one for photographs in self.photographs.values() for one in photographs]
        return [
            self._enrollment(uuid4().hex, uploads[index % len(uploads)]) for index in range(number)
        ]

    def _enrollment(self, subject: str, photograph: bytes) -> bytes:
        fields = {"subjectId": subject, "onDuplicate": "allow"}  # laxer than is: for `admin` alone
        return multipart("/enroll", self.key, fields, [photograph])

    def _expect(self, request: bytes, status: int) -> None:
        answered, body = once(self.address, request)
        if answered != status:
            raise CallFailed(body.decode())


def measure(setup: Setup) -> Measured:
    sizes = SMALL if setup.small else FULL
    small = {
        person.name: [file.read_bytes() for file in sorted(person.iterdir())]
        for person in setup.people
    }
    frames = {name: [camera_frame(one) for one in uploads] for name, uploads in small.items()}
    done = [
        _with_uploads(setup, sizes, what, uploads)
        for what, uploads in ((SMALL_PHOTOGRAPHS, small), (CAMERA_FRAMES, frames))
    ]
    return Measured(
        figures=tuple(figure for measured in done for figure in measured.figures),
        curves=done[0].curves,
        notes=(
            "/enroll is asked not to look for duplicates, which `search` measures.",
            f"Camera frames: JPEG, {FRAME[0]:,} x {FRAME[1]:,}, the person at arm's length.",
        ),
    )


def _with_uploads(
    setup: Setup, sizes: Sizes, what: str, photographs: Mapping[str, Sequence[bytes]]
) -> Measured:
    with setup.databases.fresh() as url:
        installation = Installation(setup, url)
        key = installation.wiring.api_keys.create(
            "bench", (Scope.ENROLL, Scope.VERIFY, Scope.ADMIN)
        ).key
        with installation.serving() as address:
            desk = EnrolledServer(address, key, photographs)
            desk.enroll_everybody()
            return _measured(sizes, what, desk, BareEngine(setup, photographs))


class BareEngine:
    """Decoding, detection and embedding of the same uploads, called from threads: nothing else."""

    def __init__(self, setup: Setup, photographs: Mapping[str, Sequence[bytes]]) -> None:
        wiring = Wiring(setup.config())
        self._engine, self._capture = wiring.engine, wiring.capture
        self._uploads = [one for each in photographs.values() for one in each]

    def per_second(self, threads: int, seconds: float) -> float:
        """Photographs."""
        turns, done = count(), []
        until = time.perf_counter() + seconds

        def work(_thread: int) -> None:
            while time.perf_counter() < until:
                self._embed(self._uploads[next(turns) % len(self._uploads)])
                done.append(True)

        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as callers:
            list(callers.map(work, range(threads)))
        return len(done) / (time.perf_counter() - started)

    def _embed(self, upload: bytes) -> None:
        found = self._engine.detect(self._capture.stills(Uploads([upload])))
        self._engine.embed([crop for crop in found if isinstance(crop, FaceCrop)])


def _measured(sizes: Sizes, what: str, desk: EnrolledServer, engine: BareEngine) -> Measured:
    callers = sizes.callers[what]
    runs: dict[str, Callable[[], float]] = {
        f"{BARE} {threads}": partial(engine.per_second, threads, sizes.seconds)
        for threads in sizes.threads
    }
    for number in callers:
        runs[f"/verify {number}"] = partial(_verify, desk, number, sizes.seconds)
        runs[f"/enroll {number}"] = partial(_enroll, desk, number, sizes.seconds)
    rates = interleaved(sizes.rounds, runs)
    best = tuple(
        max(rates[f"{BARE} {threads}"][number] for threads in sizes.threads)
        for number in range(sizes.rounds)
    )
    return Measured(
        figures=tuple(
            _figure(path, number, what, rates[f"{path} {number}"], best)
            for path in PATHS
            for number in callers
        ),
        curves=(_curve(callers, rates, best),),
    )


def _curve(
    callers: Sequence[int], rates: Mapping[str, tuple[float, ...]], best: tuple[float, ...]
) -> Curve:
    lines = {
        path: tuple((float(n), median(rates[f"{path} {n}"])) for n in callers) for path in PATHS
    }
    lines[BARE] = tuple((float(n), median(best)) for n in callers)
    return Curve(
        name="http",
        title="Calls over HTTP, one photograph each",
        x="callers at once",
        y="answers a second",
        lines=lines,
        log_x=True,
    )


def _figure(
    path: str, callers: int, what: str, rates: tuple[float, ...], best: tuple[float, ...]
) -> Figure:
    barred = (path, callers) == ("/verify", AT_THE_BAR)
    return Figure(
        name=f"{path} at {callers} callers, {what}",
        unit="1/s",
        rounds=rates,
        peer=BARE,
        peer_rounds=best,
        bar=NEAR_THE_ENGINE if barred else None,
    )


def _verify(desk: EnrolledServer, callers: int, seconds: float) -> float:
    return _rate(drive(desk.address, desk.verifications(), callers, seconds), 200)


def _enroll(desk: EnrolledServer, callers: int, seconds: float) -> float:
    enough = callers + int(ENROLLMENTS_A_SECOND * seconds)
    return _rate(drive(desk.address, desk.enrollments(enough), callers, seconds), 201)


def _rate(load: Load, expected: int) -> float:
    """Calls done, a second; what an overloaded server refuses early is not done.

    Raises `CallFailed` for every other answer.
    """
    if other := set(load.statuses) - {expected, OVERLOADED}:
        raise CallFailed(f"statuses {sorted(other)} beside {expected}")
    return load.per_second
