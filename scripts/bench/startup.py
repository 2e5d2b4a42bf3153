"""Seconds from the start of the server to the first `/readyz` that says yes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from scripts.bench.default_size import at_default_size
from scripts.bench.figures import Figure, Measured
from scripts.bench.rounds import interleaved, timed
from scripts.bench.serving import Installation
from scripts.bench.setup import Setup

ROUNDS, ROUNDS_AT_DEFAULT_SIZE, SMALL_ROUNDS = 7, 5, 1
READY = "start to ready"

_LOAD = """
import sys
import service  # before InsightFace, which imports onnxruntime: nothing is sent
from insightface.app import FaceAnalysis
FaceAnalysis(name=sys.argv[1], root=sys.argv[2]).prepare()
"""


def measure(setup: Setup) -> Measured:
    """Against a Python that loads the same model and does nothing with it."""
    with at_default_size(setup) as large:
        runs = [
            (setup, READY, ROUNDS),
            (large, f"{READY}, default-size pack", ROUNDS_AT_DEFAULT_SIZE),
        ]
        if setup.small:  # one shows that it works
            runs = [(large, READY, SMALL_ROUNDS)]
        return Measured(figures=tuple(_figure(*run) for run in runs))


def _figure(setup: Setup, name: str, rounds: int) -> Figure:
    with setup.databases.fresh() as url:
        installation = Installation(setup, url)
        seconds = interleaved(
            rounds,
            {
                "ready": lambda: _seconds_to_ready(installation),
                "loaded": lambda: timed(lambda: _load(setup)),
            },
        )
    return Figure(
        name=name,
        unit="s",
        rounds=seconds["ready"],
        peer="FaceAnalysis loaded in a new Python",
        peer_rounds=seconds["loaded"],
    )


def _seconds_to_ready(installation: Installation) -> float:
    started = time.perf_counter()
    with installation.serving():
        return time.perf_counter() - started


def _load(setup: Setup) -> None:
    command = [sys.executable, "-c", _LOAD, setup.model_name, str(setup.model_root)]
    subprocess.run(command, env=os.environ, stdout=subprocess.DEVNULL, check=True)
