"""Whether a machine suffices for the processes of a service: the rules, and what is told where it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MEBIBYTE = 1024 * 1024

LONG_WAIT = 1 / 3
"""Share of the time that threads wanted to run, from which their waits for a core are told. One thread on
two cores that two others keep busy waits so long."""

OWN_LOAD = 0.8
"""Share of its cores from which a process has what it is given, and waits by its own load."""

OFTEN_THROTTLED = 0.2
"""Share of its periods in which a control group used up its time."""

LEAST_WANTED = 0.5
"""Seconds that threads must have wanted to run before anything is said of their waits."""


class Shortage(StrEnum):
    """The `code` of a line in the log. Stable."""

    DESCRIPTORS = "too_few_descriptors"
    PROCESSES = "too_many_processes"
    MEMORY = "too_little_memory"
    NEIGHBOR = "busy_neighbor"
    QUOTA = "cpu_limit_reached"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What there is too little of. `values`: of the sentence `shortage.CODE`."""

    code: Shortage
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Bytes that one process has of its own: `loaded`, once it serves; `most`, while it loaded its model;
    `photographs`, `search`: what the decoding of photographs and searches in memory may take beside that.
    """

    loaded: int
    most: int
    photographs: int
    search: int

    @property
    def needed(self) -> int:
        """Nobody is served while the model is loaded; but all processes load it at the same time."""
        return max(self.most, self.loaded + self.photographs + self.search)


@dataclass(frozen=True, slots=True)
class CpuUse:
    """Totals since the process, its groups or the machine began; two of them tell of the time between.

    `at`: seconds of a steady clock. `ran`, `waited`: seconds in which threads of this process had a core,
    and in which they were ready and had none. `stolen`, `passed`: seconds of all cores that the hypervisor
    gave to other machines, and in all. `periods`, `throttled`: in which the control groups were given
    time, and in which it was used up.
    """

    at: float
    ran: float
    waited: float
    stolen: float
    passed: float
    periods: int
    throttled: int

    def since(self, before: CpuUse) -> CpuUse:
        """What came in between. A thread that ended takes its part of the totals along: never below 0."""
        return CpuUse(
            at=self.at - before.at,
            ran=max(0.0, self.ran - before.ran),
            waited=max(0.0, self.waited - before.waited),
            stolen=max(0.0, self.stolen - before.stolen),
            passed=max(0.0, self.passed - before.passed),
            periods=max(0, self.periods - before.periods),
            throttled=max(0, self.throttled - before.throttled),
        )

    @property
    def waits(self) -> float:
        """Share of the time that threads wanted to run in which they did not; 0 where that was hardly any."""
        wanted = self.ran + self.waited
        if wanted < LEAST_WANTED:
            return 0.0
        stolen = self.stolen / self.passed if self.passed else 0.0
        return 1 - (1 - self.waited / wanted) * (1 - stolen)

    @property
    def throttles(self) -> float:
        """Share of the periods that were used up."""
        return self.throttled / self.periods if self.periods else 0.0


def process_shortfall(processes: int, cores: int) -> Shortfall | None:
    if processes <= cores:
        return None
    return Shortfall(Shortage.PROCESSES, {"processes": processes, "cores": cores})


def memory_shortfall(one: ProcessMemory, processes: int, available: int) -> Shortfall | None:
    """`available`: bytes for all of them."""
    if one.needed * processes <= available:
        return None
    values: dict[str, object] = {
        "processes": processes,
        "each": mebibytes(one.needed),
        "available": mebibytes(available),
    }
    return Shortfall(Shortage.MEMORY, values)


def descriptor_shortfall(most: int, wanted: int, needed: int) -> Shortfall | None:
    """`most`: connections for which there are descriptors. `needed`: descriptors for those that are wanted."""
    if most >= wanted:
        return None
    values: dict[str, object] = {"most": most, "wanted": wanted, "needed": needed}
    return Shortfall(Shortage.DESCRIPTORS, values)


def cpu_shortfall(between: CpuUse, cores: int) -> Shortfall | None:
    """`between`: two looks. `cores`: that this process is given."""
    if between.waits < LONG_WAIT:
        return None
    if between.throttles >= OFTEN_THROTTLED:
        values: dict[str, object] = {"share": f"{between.throttles:.0%}", "cores": cores}
        return Shortfall(Shortage.QUOTA, values)
    if between.ran >= OWN_LOAD * cores * between.at:
        return None
    return Shortfall(Shortage.NEIGHBOR, {"share": f"{between.waits:.0%}"})


def mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.0f}"
