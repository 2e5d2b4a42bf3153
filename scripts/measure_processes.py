"""What the processes of a server take of memory, and what several of them answer: for docs/sizing.md.

python scripts/measure_processes.py --model-root ../shared/insightface --model mobile_s \
    --photos ../shared/photos/people    prints a line of figures for each number of processes

Each number of processes serves on a database of its own, thrown away at the end. Linux alone tells
what processes share.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.bench.databases import Databases
from scripts.bench.enrolled_server import EnrolledServer
from scripts.bench.serving import HOST, Installation, free_port
from scripts.bench.setup import Setup
from service.storage.embedded_server import start_embedded

MEBIBYTE = 2**20
STARTED = "Application startup complete"
CALLERS, PEOPLE = 16, 4


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of all processes together. `pss`: what is shared counts once, divided among those that share it.
    `own`: of the largest one, what no other has. `peak`: the most that one was ever resident.
    """

    rss: int
    pss: int
    own: int
    peak: int


def measure(installation: Installation, processes: int, seconds: float) -> dict[str, object]:
    people = installation.setup.people[:PEOPLE]
    photographs = {
        folder.name: [file.read_bytes() for file in sorted(folder.glob("*.png"))[:3]]
        for folder in people
    }
    key = installation.face("apikey", "create", "k", "--scope", "admin",
                            "--scope", "enroll", "--scope", "verify").strip()  # fmt: skip
    with _serving(installation, processes) as (server, port):
        called = EnrolledServer((HOST, port), key, photographs)
        called.enroll_everybody()
        rate = called.verified_a_second(CALLERS, seconds)
        memory = _memory([server, *server.children(recursive=True)])
    return {"processes": processes, "verified_a_second": round(rate, 1), **asdict(memory)}


@contextmanager
def _serving(installation: Installation, processes: int) -> Iterator[tuple[psutil.Process, int]]:
    """The running server, all its processes ready, and its port."""
    port = free_port()
    server = psutil.Popen(
        [sys.executable, "-m", "service", "server", "--host", HOST, "--port", str(port)],
        env={**installation.variables, "FACE_SERVER_WORKERS": str(processes)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        started = 0
        while started < processes and (line := server.stderr.readline()):
            started += STARTED in line
            if '"code"' in line:
                print(line.strip(), file=sys.stderr)
        # a pipe that nobody reads is full after some hundred calls, and the server waits to write
        threading.Thread(target=server.stderr.read, daemon=True).start()
        time.sleep(1)
        yield server, port
    finally:
        server.terminate()
        server.wait()


def _memory(family: list[psutil.Process]) -> Memory:
    full = [process.memory_full_info() for process in family]
    peaks = [_peak(process) for process in family]
    return Memory(
        rss=sum(one.rss for one in full) // MEBIBYTE,
        pss=sum(one.pss for one in full) // MEBIBYTE,
        own=max(one.uss for one in full) // MEBIBYTE,
        peak=max(peaks) // MEBIBYTE,
    )


def _peak(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-root", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="face-measure-", ignore_cleanup_errors=True) as folder:
        database = start_embedded(Path(folder))
        try:
            databases = Databases(database.url)
            setup = Setup(options.model_root, options.model, options.photos, databases)
            for processes in options.processes:
                with databases.fresh() as url:
                    figures = measure(Installation(setup, url), processes, options.seconds)
                print(json.dumps(figures), flush=True)
        finally:
            database.stop()


if __name__ == "__main__":
    main()
