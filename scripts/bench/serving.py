"""Servers as child processes on free ports: `face server` with the settings that it runs with, and the plain
service with the same model.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from scripts.bench import plain_service
from scripts.bench.setup import Setup
from scripts.environment import ROOT
from service.wiring import Wiring

HOST = "127.0.0.1"
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
"""Of galleries that nobody lives in."""

_READY_SECONDS, _STOP_SECONDS, _POLL_SECONDS = 120.0, 20.0, 0.02
_OUT_OF_REACH = {
    "rate_limit_per_key": "999999999/minute",
    "rate_limit_per_address": "999999999/minute",
    "rate_limit_failures": "999999999/minute",
    "lockout_after": "1000",
}
"""All is counted as ever, but one caller makes all calls, from one address, with the same few faces."""


class ServerFailed(Exception):
    """It ended, or did not become ready in time."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The service on a database of its own."""

    setup: Setup
    database_url: str

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment of its processes."""
        settings = {
            "model_root": str(self.setup.model_root),
            "model_name": self.setup.model_name,
            "use_gpu": "false",
            "database_url": self.database_url,
            "master_key": MASTER_KEY,
            **_OUT_OF_REACH,
        }
        own = {f"FACE_{name.upper()}": value for name, value in settings.items()}
        return {**os.environ, "PYTHONPATH": str(ROOT), **own}

    @property
    def wiring(self) -> Wiring:
        """The same in this process."""
        return Wiring(self.setup.config(database_url=self.database_url, master_key=MASTER_KEY))

    def face(self, *arguments: str) -> str:
        """stdout of a command. Raises `CalledProcessError`."""
        command = [sys.executable, "-m", "service", *arguments]
        done = subprocess.run(
            command, env=self.variables, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[tuple[str, int]]:
        """Host and port of the running server, ready. Raises `ServerFailed`."""
        with _listening(("service", "server"), self.variables) as address:
            yield address

    @contextmanager
    def serving_plainly(self) -> Iterator[tuple[str, int]]:
        """As `serving`, of the plain service on the same database."""
        program = (
            "uvicorn",
            "--http",
            "h11",
            "--factory",
            "scripts.bench.plain_service:create_app",
        )
        variables = {**self.variables, plain_service.DATABASE_URL: self.database_url}
        with _listening(program, variables) as address:
            yield address


@contextmanager
def _listening(program: Sequence[str], variables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    port = free_port()
    process = psutil.Popen(
        [sys.executable, "-m", *program, "--host", HOST, "--port", str(port)],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(process, port)
        yield HOST, port
    finally:
        process.terminate()
        _, alive = psutil.wait_procs([process], _STOP_SECONDS)
        for left in alive:
            left.kill()


def _wait_until_ready(process: psutil.Popen, port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerFailed("see `face doctor` for what keeps the server from starting")
        time.sleep(_POLL_SECONDS)


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://{HOST}:{port}/readyz") as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError):
        return False


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        port: int = trial.getsockname()[1]
    return port
