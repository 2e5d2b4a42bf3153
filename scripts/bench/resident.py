"""A process that embeds and prints its highest resident memory in bytes; see `memory`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from scripts.bench.databases import Databases
from scripts.bench.embedders import Embedder, OnePerThread, ThisLibrary
from scripts.bench.setup import Setup

PASSES = 2
"""Over all folders by each thread: onnxruntime's arenas have grown after the first."""

_LOOK_EVERY_SECONDS = 0.005


def main() -> None:
    task: Mapping[str, Any] = json.loads(sys.argv[1])
    people, threads = [Path(folder) for folder in task["people"]], task["threads"]
    setup = Setup(
        Path(task["model_root"]),
        task["model_name"],
        people[0].parent,
        Databases("postgresql://"),  # none is asked for
    )
    with watched() as peak:
        shared = task["kind"] == "shared"
        embed: Embedder = (ThisLibrary if shared else OnePerThread)(setup, threads)
        embed(_for_each(threads, people))
    print(peak[0])


def _for_each(threads: int, people: Sequence[Path]) -> list[Path]:
    """Work for every thread, and enough of it that all are busy at once."""
    return [*people] * PASSES * threads


@contextmanager
def watched() -> Iterator[list[int]]:
    """The highest resident memory so far, in bytes, as the only element."""
    process, done, peak = psutil.Process(), threading.Event(), [0]

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_SECONDS):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    main()
