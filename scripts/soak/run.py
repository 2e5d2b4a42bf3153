"""One soak of a server that runs: who was answered, and what became of its memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from scripts.soak.honest import Answers, Person
from scripts.soak.hostility import HOSTILITIES

HONEST_CALLERS = 4
MEBIBYTE = 2**20

MOST_GROWTH = 0.1
"""Of its memory between the middle and the last third of a soak; by then all caches are full."""

ALWAYS_ALLOWED = 64
"""MiB of growth that may be chance."""

PATHS = ("/healthz", "/readyz", "/verify")


@dataclass(frozen=True, slots=True)
class Target:
    """A running server. `key`: one with all scopes; `token_key`: one that hostile callers hold."""

    port: int
    process_id: int
    key: str
    token_key: str


@dataclass(slots=True)
class Report:
    """`memory`: MiB, once a second."""

    answers: dict[str, Answers] = field(default_factory=lambda: {path: Answers() for path in PATHS})
    memory: list[float] = field(default_factory=list)

    @property
    def settled(self) -> float:
        """The most memory in the middle third."""
        third = len(self.memory) // 3
        return max(self.memory[third : 2 * third + 1])

    @property
    def last(self) -> float:
        """The most memory in the last third."""
        return max(self.memory[2 * len(self.memory) // 3 :])

    @property
    def problems(self) -> list[str]:
        """What was not as it should be; empty: all was."""
        found = [
            f"{path}: {answers.wrong} of {answers.calls} calls not answered by 200:"
            f" {dict(answers.statuses)}"
            for path, answers in self.answers.items()
            if answers.wrong or not answers.calls
        ]
        if self.last > self.settled * (1 + MOST_GROWTH) + ALWAYS_ALLOWED:
            found.append(f"memory grew from {self.settled:.0f} to {self.last:.0f} MiB")
        return found

    def lines(self) -> Iterator[str]:
        yield f"{'call':<10}{'calls':>8}{'200':>8}{'other':>8}{'median':>9}{'99 %':>9}{'slowest':>9}"
        for path, answers in self.answers.items():
            times = "".join(f"{answers.within(share):>8.2f}s" for share in (0.5, 0.99, 1.0))
            yield f"{path:<10}{answers.calls:>8}{answers.statuses[200]:>8}{answers.wrong:>8}{times}"
        yield f"memory: {self.settled:.0f} MiB in the middle third, {self.last:.0f} in the last"


def soak(target: Target, seconds: float) -> Report:
    report = Report()
    people = [Person.enrolled(target.port, target.key, number) for number in range(HONEST_CALLERS)]
    with _at_work(target, people, report):
        process, end = psutil.Process(target.process_id), time.monotonic() + seconds
        while time.monotonic() < end:
            report.memory.append(process.memory_info().rss / MEBIBYTE)
            time.sleep(1.0)
    return report


@contextmanager
def _at_work(target: Target, people: list[Person], report: Report) -> Iterator[None]:
    stop = threading.Event()
    threads = [
        threading.Thread(target=kind, args=(target.port, target.token_key, stop), name=name)
        for name, kind in HOSTILITIES.items()
    ]
    threads += [
        threading.Thread(target=person.go_on, args=(report.answers, stop)) for person in people
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
