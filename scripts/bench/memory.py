"""Resident memory of a process, by the number of threads that embed in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from statistics import median

from scripts.bench.figures import Bar, Curve, Figure, Measured
from scripts.bench.rounds import interleaved
from scripts.bench.setup import Setup
from scripts.environment import ROOT

FLAT = Bar(of="ratio", bound="at most", limit=1.15)
MEBIBYTE = 2**20

KINDS = {"shared": "face, one shared model", "separate": "one FaceAnalysis per thread"}


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int
    threads: tuple[int, ...]
    people: int


FULL = Sizes(rounds=3, threads=(1, 2, 4, 8, 16), people=4)
SMALL = Sizes(rounds=1, threads=(1,), people=1)


def measure(setup: Setup) -> Measured:
    """Each number from a process of its own, which ends thereafter."""
    sizes = SMALL if setup.small else FULL
    runs = {
        f"{kind} {threads}": partial(_peak, setup, kind, threads, sizes.people)
        for threads in sizes.threads
        for kind in KINDS
    }
    peaks = interleaved(sizes.rounds, runs)
    least, most = sizes.threads[0], sizes.threads[-1]
    return Measured(
        figures=tuple(
            Figure(
                name=f"resident memory with {most} threads, {name}",
                unit="MiB",
                rounds=peaks[f"{kind} {most}"],
                peer=f"the same with {least}",
                peer_rounds=peaks[f"{kind} {least}"],
                bar=FLAT if kind == "shared" else None,
            )
            for kind, name in KINDS.items()
        ),
        curves=(
            Curve(
                name="memory",
                title="Memory, by calling threads",
                x="threads that call",
                y="resident memory, MiB",
                better="less",
                ours=(KINDS["shared"],),
                lines={
                    name: tuple((t, median(peaks[f"{kind} {t}"])) for t in sizes.threads)
                    for kind, name in KINDS.items()
                },
            ),
        ),
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
