"""Seconds from the start of the server to the first `/readyz` that says yes; and those of a core that a command takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

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

_COMPARE = """
import sys
import service  # before InsightFace, which imports onnxruntime: nothing is sent
import cv2
from insightface.app import FaceAnalysis
app = FaceAnalysis(name=sys.argv[1], root=sys.argv[2])
app.prepare()
one, other = (app.get(cv2.imread(path))[0].normed_embedding for path in sys.argv[3:])
print(one @ other)
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
        command = _command(setup, SMALL_ROUNDS if setup.small else ROUNDS)
        return Measured(figures=(*(_figure(*run) for run in runs), command))


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


def _command(setup: Setup, rounds: int) -> Figure:
    """`face verify` from the prompt: one photograph, against somebody enrolled with another."""
    enrolled, probe = sorted(map(str, setup.people[0].iterdir()))[:2]
    with setup.databases.fresh() as url:
        installation = Installation(setup, url)
        installation.face("enroll", "somebody", enrolled)
        seconds = interleaved(
            rounds,
            {
                "face": lambda: _of_a_core(lambda: installation.face("verify", "somebody", probe)),
                "compared": lambda: _of_a_core(lambda: _run(_COMPARE, setup, enrolled, probe)),
            },
        )
    return Figure(
        name="face verify from the prompt, processor time",
        unit="s",
        rounds=seconds["face"],
        peer="FaceAnalysis, which compares two photographs in a new Python",
        peer_rounds=seconds["compared"],
    )


def _of_a_core(work: Callable[[], object]) -> float:
    """Processor time of the processes that are begun and ended meanwhile, in seconds."""
    before = os.times()
    work()
    after = os.times()
    spent = (
        after.children_user - before.children_user,
        after.children_system - before.children_system,
    )
    return sum(spent)


def _seconds_to_ready(installation: Installation) -> float:
    started = time.perf_counter()
    with installation.serving():
        return time.perf_counter() - started


def _load(setup: Setup) -> None:
    _run(_LOAD, setup)


def _run(script: str, setup: Setup, *arguments: str) -> None:
    command = [sys.executable, "-c", script, setup.model_name, str(setup.model_root), *arguments]
    subprocess.run(command, env=os.environ, stdout=subprocess.DEVNULL, check=True)
