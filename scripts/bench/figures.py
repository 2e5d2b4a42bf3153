"""What a benchmark finds out, and the JSON file that keeps it."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from scripts.bench.machine import Machine


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Bar(_Record):
    """What a figure has to reach: `of` its ratio to the peer, or of its own median."""

    of: Literal["ratio", "value"]
    bound: Literal["at least", "at most"]
    limit: float

    def met_by(self, number: float) -> bool:
        return number >= self.limit if self.bound == "at least" else number <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.bound == "at least" else "≤"
        return f"{sign} {self.limit:g}{' ×' if self.of == 'ratio' else ''}"


class Figure(_Record):
    """One measured number, `rounds` times, and a peer's in the same rounds.

    `ratio`: the median of each round's own ratio, so that what slows a round slows both.
    """

    name: str
    unit: str
    rounds: tuple[float, ...]
    peer: str | None = None
    peer_rounds: tuple[float, ...] = ()
    bar: Bar | None = None

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def peer_median(self) -> float | None:
        return median(self.peer_rounds) if self.peer_rounds else None

    @property
    def ratio(self) -> float | None:
        if not self.peer_rounds:
            return None
        return median(own / other for own, other in zip(self.rounds, self.peer_rounds, strict=True))

    @property
    def met(self) -> bool | None:
        """None where there is no bar."""
        if self.bar is None:
            return None
        number = self.ratio if self.bar.of == "ratio" else self.median
        return number is not None and self.bar.met_by(number)

    @model_serializer(mode="wrap")
    def _with_medians(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        computed = ("median", "peer_median", "ratio", "met")
        return {**fields(self), **{name: getattr(self, name) for name in computed}}


class Curve(_Record):
    """A plot: `lines` by name, each of points (x, y); `ours`: those of them that no peer drew."""

    name: str
    title: str
    x: str
    y: str
    better: Literal["more", "less"]
    lines: dict[str, tuple[tuple[float, float], ...]]
    ours: tuple[str, ...]
    log_x: bool = False
    log_y: bool = False


class Measured(_Record):
    """What one benchmark found; `notes`: under which conditions, and what was left out."""

    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()

    def without_bars(self) -> Measured:
        """Of a small run, which is held to none."""
        figures = tuple(figure.model_copy(update={"bar": None}) for figure in self.figures)
        return self.model_copy(update={"figures": figures})


class Part(_Record):
    """One benchmark's run. Parts may come from different runs: each names its own machine.

    `seconds`: how long it took.
    """

    machine: Machine
    measured: Measured
    seconds: float | None = None


class Report(_Record):
    parts: dict[str, Part] = {}

    def with_part(self, name: str, part: Part) -> Report:
        """This report with another run of the benchmark `name`."""
        return Report(parts={**self.parts, name: part})

    @property
    def latest(self) -> Part:
        """Raises `ValueError` for an empty report."""
        return max(self.parts.values(), key=lambda part: part.machine.date)

    def is_apart(self, part: Part) -> bool:
        """Whether `part` is of another run than the latest: of other code, or on another machine."""
        return not part.machine.is_like(self.latest.machine)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, file: Path) -> Report:
        """Empty where there is no such file. Raises `ValueError` for one that is no report."""
        return cls.model_validate_json(file.read_text("utf-8")) if file.exists() else cls()
