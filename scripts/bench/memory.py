"""Resident memory of a process, by the number of threads that embed in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeAlias

from scripts.bench.default_size import at_default_size
from scripts.bench.figures import Bar, Curve, Figure, Measured
from scripts.bench.rounds import interleaved
from scripts.bench.setup import Setup
from scripts.environment import ROOT

FLAT = Bar(of="ratio", bound="at most", limit=1.15)
MEBIBYTE = 2**20

KINDS = {"shared": "face, one shared model", "separate": "one FaceAnalysis per thread"}
AT_DEFAULT_SIZE = ", default-size pack"


@dataclass(frozen=True, slots=True)
class Sizes:
    """`threads`: rising, by kind."""

    rounds: int
    threads: Mapping[str, Sequence[int]]
    people: int


FULL = Sizes(rounds=3, threads=dict.fromkeys(KINDS, (1, 4, 16)), people=4)
FULL_AT_DEFAULT_SIZE = Sizes(rounds=2, threads={"shared": (1, 16), "separate": (1, 4)}, people=1)
SMALL = Sizes(rounds=1, threads=dict.fromkeys(KINDS, (1,)), people=1)
SMALL_AT_DEFAULT_SIZE = Sizes(rounds=1, threads={"shared": (1,)}, people=1)

Peaks: TypeAlias = Mapping[str, Mapping[int, tuple[float, ...]]]
"""MiB in each round, by kind and threads."""


def measure(setup: Setup) -> Measured:
    """Each number from a process of its own, which ends thereafter."""
    peaks = _peaks(setup, SMALL if setup.small else FULL)
    with at_default_size(setup) as large:
        at_size = _peaks(large, SMALL_AT_DEFAULT_SIZE if setup.small else FULL_AT_DEFAULT_SIZE)
    return Measured(
        figures=(*_figures(peaks, ""), *_figures(at_size, AT_DEFAULT_SIZE)),
        curves=(_curve(peaks),),
    )


def _peaks(setup: Setup, sizes: Sizes) -> Peaks:
    runs = {
        f"{kind} {number}": partial(_peak, setup, kind, number, sizes.people)
        for kind, threads in sizes.threads.items()
        for number in threads
    }
    peaks = interleaved(sizes.rounds, runs)
    return {
        kind: {number: peaks[f"{kind} {number}"] for number in threads}
        for kind, threads in sizes.threads.items()
    }


def _figures(peaks: Peaks, where: str) -> Iterator[Figure]:
    for kind, by_threads in peaks.items():
        least, most = min(by_threads), max(by_threads)
        yield Figure(
            name=f"resident memory with {most} threads, {KINDS[kind]}{where}",
            unit="MiB",
            rounds=by_threads[most],
            peer=f"the same with {least}",
            peer_rounds=by_threads[least],
            bar=FLAT if kind == "shared" else None,
        )


def _curve(peaks: Peaks) -> Curve:
    return Curve(
        name="memory",
        title="Memory, by calling threads",
        x="threads that call",
        y="resident memory, MiB",
        better="less",
        ours=(KINDS["shared"],),
        lines={
            name: tuple((number, median(rounds)) for number, rounds in peaks[kind].items())
            for kind, name in KINDS.items()
        },
    )


def _peak(setup: Setup, kind: str, threads: int, people: int) -> float:
    """Highest resident memory in MiB of a new process that embeds with `threads` threads."""
    task = {
        "model_root": str(setup.model_root),
        "model_name": setup.model_name,
        "people": [str(folder) for folder in setup.people[:people]],
        "kind": kind,
        "threads": threads,
    }
    done = subprocess.run(
        [sys.executable, "-m", "scripts.bench.resident", json.dumps(task)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout) / MEBIBYTE
