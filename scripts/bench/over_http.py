"""Calls a second over HTTP, by the number of callers, next to a plain service with the same engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from scripts.bench import plain_service
from scripts.bench.bare_engine import BareEngine
from scripts.bench.default_size import at_default_size
from scripts.bench.enrolled_server import EnrolledServer
from scripts.bench.figures import Bar, Curve, Figure, Measured
from scripts.bench.photographs import FRAME, camera_frame
from scripts.bench.rounds import interleaved
from scripts.bench.serving import Installation
from scripts.bench.setup import Setup
from service.domain.callers import Scope

NOT_SLOWER = Bar(of="ratio", bound="at least", limit=1.0)
PLAIN = "plain FastAPI and SQLAlchemy, same engine"

SMALL_PHOTOGRAPHS, CAMERA_FRAMES = "photographs of 150 pixels", "camera frames"
DEFAULT_SIZE = "default-size pack"


@dataclass(frozen=True, slots=True)
class Case:
    """So many callers at once, each on a connection that stays open."""

    path: str
    callers: int

    def __str__(self) -> str:
        return f"{self.path} at {self.callers} callers"

    def rate(self, server: EnrolledServer, seconds: float) -> float:
        """Calls a second."""
        calls = server.verified_a_second if self.path == "/verify" else server.enrolled_a_second
        return calls(self.callers, seconds)


@dataclass(frozen=True, slots=True)
class Sizes:
    """`threads`: from how many the bare engine is called."""

    rounds: int
    seconds: float
    cases: Sequence[Case]
    threads: int

    @property
    def of_verify(self) -> Sizes:
        """These without any other path."""
        return replace(self, cases=[case for case in self.cases if case.path == "/verify"])


FULL = Sizes(
    rounds=7,
    seconds=3.5,
    cases=(*(Case("/verify", callers) for callers in (1, 4, 16)), Case("/enroll", 16)),
    threads=2,
)
SMALL = Sizes(rounds=1, seconds=0.2, cases=(Case("/verify", 2), Case("/enroll", 2)), threads=1)


def measure(setup: Setup) -> Measured:
    sizes = SMALL if setup.small else FULL
    small = {
        person.name: [file.read_bytes() for file in sorted(person.iterdir())]
        for person in setup.people
    }
    frames = {name: [camera_frame(one) for one in uploads] for name, uploads in small.items()}
    with at_default_size(setup) as large:
        loads = (
            (setup, sizes, SMALL_PHOTOGRAPHS, small),
            (setup, sizes, CAMERA_FRAMES, frames),
            (large, sizes.of_verify, DEFAULT_SIZE, small),
        )
        done = [_with_uploads(*load) for load in (loads[::2] if setup.small else loads)]
    return Measured(
        figures=tuple(figure for measured in done for figure in measured.figures),
        curves=done[0].curves,
        notes=(
            "/enroll is asked not to look for duplicates, which `search` measures.",
            f"Camera frames: JPEG, {FRAME[0]:,} x {FRAME[1]:,}, the person at arm's length.",
            *(note for measured in done for note in measured.notes),
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
        with installation.serving() as ours, installation.serving_plainly() as plain:
            server = EnrolledServer(ours, key, photographs)
            peer = EnrolledServer(plain, plain_service.prepare(url), photographs)
            rates = _rates(sizes, server, peer)
    engine = BareEngine(setup, photographs).per_second(sizes.threads, sizes.seconds)
    figures = tuple(_figure(case, what, rates) for case in sizes.cases)
    return Measured(
        figures=figures,
        curves=(_curve(figures, sizes),),
        notes=(f"The engine alone, without a service, {what}: {engine:.3g} a second.",),
    )


Rates = Mapping[str, tuple[float, ...]]
"""By who answered, and the case."""


def _rates(sizes: Sizes, server: EnrolledServer, peer: EnrolledServer) -> Rates:
    for each in (server, peer):
        each.enroll_everybody()
        each.verified_a_second(max(case.callers for case in sizes.cases), sizes.seconds)
    runs: dict[str, Callable[[], float]] = {}
    for case in sizes.cases:  # peers side by side
        runs[f"ours {case}"] = partial(case.rate, server, sizes.seconds)
        runs[f"plain {case}"] = partial(case.rate, peer, sizes.seconds)
    return interleaved(sizes.rounds, runs)


def _figure(case: Case, what: str, rates: Rates) -> Figure:
    return Figure(
        name=f"{case}, {what}",
        unit="1/s",
        rounds=rates[f"ours {case}"],
        peer=PLAIN,
        peer_rounds=rates[f"plain {case}"],
        bar=NOT_SLOWER if case.path == "/verify" else None,
    )


def _curve(figures: Sequence[Figure], sizes: Sizes) -> Curve:
    """Of `/verify`."""
    drawn = [
        (case.callers, figure)
        for case, figure in zip(sizes.cases, figures, strict=True)
        if case.path == "/verify"
    ]
    return Curve(
        name="http",
        title="/verify over HTTP, one photograph each",
        x="callers at once",
        y="answers a second",
        better="more",
        lines={
            "face": tuple((float(callers), figure.median) for callers, figure in drawn),
            PLAIN: tuple((float(callers), median(figure.peer_rounds)) for callers, figure in drawn),
        },
        ours=("face",),
        log_x=True,
    )
