"""Peers take turns, so that whatever else the machine does meanwhile troubles all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Seconds = float

REST: Seconds = 0.3
"""Between two peers: threads of onnxruntime go on spinning for a tenth of a second after their work,
at the cost of whoever comes next."""


def interleaved(
    rounds: int, runs: Mapping[str, Callable[[], float]]
) -> dict[str, tuple[float, ...]]:
    """What each of `runs` gave in each round. Each round begins with another one, and after each run
    the machine rests.
    """
    names = list(runs)
    given: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            given[name].append(runs[name]())
            time.sleep(REST)
    return {name: tuple(numbers) for name, numbers in given.items()}


def timed(work: Callable[[], object]) -> Seconds:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
