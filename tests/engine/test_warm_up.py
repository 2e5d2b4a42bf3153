"""Memory does not grow with the threads that call: each measurement in a process of its own.

It grows with the workers, one per core by default; here they are as many on every machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GROWTH = 1.15
"""Most that 16 threads may take of what one takes."""

PHOTOGRAPHS = 48

_WORK = """
import sys, pathlib, psutil, threading
from concurrent.futures import ThreadPoolExecutor
from service.engine.engines import load_engine
from service.engine.pool import WorkerPool
from tests.engine.photographs import picture

engine = load_engine(
    "mobile_s",
    pathlib.Path(sys.argv[1]),
    detection_threshold=0.6,
    use_gpu=False,
    pool=WorkerPool(int(sys.argv[5])),
)
photographs = [picture(path) for path in sorted(pathlib.Path(sys.argv[2]).glob("*/*.png"))]
process, peak, done = psutil.Process(), [0], threading.Event()

def watch():
    while not done.wait(0.005):
        peak[0] = max(peak[0], process.memory_info().rss)

def embed(index):
    return len(engine.embed(engine.detect([photographs[index % len(photographs)]])))

watcher = threading.Thread(target=watch)
watcher.start()
with ThreadPoolExecutor(int(sys.argv[3])) as callers:
    embedded = sum(callers.map(embed, range(int(sys.argv[4]))))
done.set()
watcher.join()
assert embedded == int(sys.argv[4])
print(peak[0])
"""


@pytest.mark.parametrize("workers", [2, 16])
def test_sixteen_threads_take_no_more_memory_than_one(
    model_root: Path, people: dict[str, list[Path]], workers: int
) -> None:
    photos = next(iter(people.values()))[0].parents[1]
    one, sixteen = (_peak(model_root, photos, threads, workers) for threads in (1, 16))
    assert sixteen <= GROWTH * one, f"{sixteen / 1e6:.0f} MB against {one / 1e6:.0f} MB"


def _peak(model_root: Path, photos: Path, threads: int, workers: int) -> int:
    """Highest resident memory, in bytes, while this many threads embed photographs."""
    arguments = [str(model_root), str(photos), str(threads), str(PHOTOGRAPHS), str(workers)]
    run = subprocess.run(
        [sys.executable, "-c", _WORK, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)
