"""Reports to show."""

from __future__ import annotations

from datetime import UTC, datetime

from scripts.bench.databases import Databases
from scripts.bench.figures import Bar, Curve, Figure, Measured, Part, Report
from scripts.bench.machine import Machine

NO_DATABASES = Databases("postgresql://")
"""For what asks for none."""

FIGURE = Figure(
    name="photographs",
    unit="1/s",
    rounds=(80, 90, 100),
    peer="FaceAnalysis",
    peer_rounds=(20, 20, 20),
    bar=Bar(of="ratio", bound="at least", limit=4),
)
WITHOUT_BAR = Figure(name="start to ready", unit="s", rounds=(1234.5,))
CURVE = Curve(
    name="speed",
    title="Speed",
    x="threads",
    y="photographs",
    better="more",
    ours=("face",),
    lines={"face": ((1, 50), (2, 90)), "FaceAnalysis": ((1, 20), (2, 20))},
    log_x=True,
)


def part(*, small: bool = False) -> Part:
    machine = Machine(
        processor="a processor",
        cores=2,
        memory_gib=23.5,
        system="Linux",
        versions={"python": "3.11.7", "onnxruntime": "1.32.0"},
        commit="abc1234",
        date=datetime(2026, 1, 2, tzinfo=UTC),
        small=small,
    )
    measured = Measured(figures=(FIGURE, WITHOUT_BAR), curves=(CURVE,), notes=("On a table.",))
    return Part(machine=machine, measured=measured)


def report(**parts: Part) -> Report:
    return Report(parts=parts)


def searched(*ways: tuple[str, float, int], people: int, asked: int = 1_000) -> list[Figure]:
    """By ways: milliseconds, and how many of `asked` mates were missed."""
    return [
        figure
        for way, milliseconds, missed in ways
        for figure in (
            Figure(name=f"{people:,} people, {way}: search", unit="ms", rounds=(milliseconds,)),
            Figure(
                name=f"{people:,} people, {way}: missed of {asked:,} mates",
                unit="mates",
                rounds=(missed,),
            ),
        )
    ]


def part_of(*figures: Figure) -> Part:
    return part().model_copy(update={"measured": Measured(figures=figures)})
