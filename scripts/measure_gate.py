"""What the gate costs, as a share of a photograph's inference: `python -m scripts.measure_gate MODEL_ROOT PACK PHOTO...`.

Each photograph is detected and embedded in turn, on one thread; within the same run the time is taken that the
gate spends: the cues, and the looks at turned copies. Prints the share's median over rounds, for photographs
that are found and for a gray picture of nobody. docs/quality.md has the figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from service.domain.face import FaceCrop, Image
from service.domain.ports import FaceEngine
from service.engine import pack_engine
from service.engine.engines import load_engine
from service.engine.finder import FaceFinder
from service.engine.pool import WorkerPool

ROUNDS = 9
GATE: tuple[tuple[object, str], ...] = (
    (pack_engine, "quality_of"),
    (pack_engine, "quality_of_picture"),
    (FaceFinder, "is_turned"),
    (FaceFinder, "picture_is_turned"),
)
"""What is done for the gate alone, and where it stands."""


@dataclass(frozen=True)
class Shown:
    image: Image

    def pixels(self) -> Image:
        return self.image


class Stopwatch:
    """Adds up the seconds within what it times."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: object) -> object:
            started = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


def share_of_gate(engine: FaceEngine, photographs: Sequence[Shown], stopwatch: Stopwatch) -> float:
    """Of all the seconds without the gate's."""
    stopwatch.seconds, started = 0.0, time.perf_counter()
    for photograph in photographs:
        found = engine.detect([photograph])
        engine.embed([one for one in found if isinstance(one, FaceCrop)])
    return stopwatch.seconds / (time.perf_counter() - started - stopwatch.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model_root", type=Path)
    parser.add_argument("pack")
    parser.add_argument("photos", type=Path, nargs="+")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    engine = load_engine(
        arguments.pack,
        arguments.model_root,
        detection_threshold=0.6,
        use_gpu=False,
        pool=WorkerPool(1),
    )
    stopwatch = Stopwatch()
    for place, name in GATE:
        setattr(place, name, stopwatch.timed(getattr(place, name)))
    photographs = [Shown(np.asarray(cv2.imread(str(path)), np.uint8)) for path in arguments.photos]
    gradient = np.tile(np.linspace(60, 180, 640, dtype=np.uint8)[:, None], (480, 1, 3))
    for name, shown in {"photographs": photographs, "nobody": [Shown(gradient)] * 8}.items():
        shares = [share_of_gate(engine, shown, stopwatch) for _ in range(ROUNDS)]
        print(f"{name}: the gate takes {statistics.median(shares):.1%} of the rest")


if __name__ == "__main__":
    main()
