"""A running `face server`, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import httpx
import psutil

from tests.cli.face import SECONDS, Face

LISTENING = "Uvicorn running on http://127.0.0.1:"
STARTED = "Application startup complete"


class Serving:
    """`lines`: of its log, so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._family = psutil.Process(process.pid)
        self.lines: list[str] = []

    def read_until(self, *words: str) -> str:
        """The line that holds the last of `words`, each seen after the one before."""
        assert self._process.stderr is not None
        wanted = list(words)
        for raw in self._process.stderr:
            self.lines.append(raw.decode())
            if wanted[0] in self.lines[-1]:
                wanted.pop(0)
            if not wanted:
                return self.lines[-1]
        raise AssertionError("".join(self.lines))

    def stop(self, how: signal.Signals, seconds: float = 1) -> tuple[int, list[psutil.Process]]:
        """Its status, and those of its processes that still live after so many `seconds`."""
        family = self._family.children(recursive=True)
        os.kill(self._process.pid, how)
        _, err = self._process.communicate(timeout=SECONDS)
        self.lines += err.decode().splitlines()
        _, left = psutil.wait_procs(family, timeout=seconds)
        return self._process.returncode, [process for process in left if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    """A zombie does not: it waits for its parent, which as PID 1 of a container may never ask."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def serving(face: Face, *options: object) -> Iterator[Serving]:
    process = face.start("server", "--port", 0, *options)
    too_late = Timer(SECONDS, process.kill)
    too_late.start()
    try:
        yield Serving(process)
    finally:
        too_late.cancel()
        process.kill()
        process.communicate()


def address(listening: str) -> str:
    return listening.split(" on ")[1].split(" ")[0].strip()


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=SECONDS)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def database_runs(data_dir: Path) -> bool:
    return (data_dir / "postgres" / "postmaster.pid").exists()
