"""`face server` as a child: started on a free port, waited for, and always stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from scripts.tour.calls import Service
from scripts.tour.installed import Installed
from scripts.tour.table import StepFailed

HOST = "127.0.0.1"
_READY_SECONDS = 120.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.2
_LOG_LINES = 25
_NEAR = 100


class Server:
    """`port`: the one it listens on, `wanted` or, where that is taken, a free one."""

    def __init__(self, installed: Installed, wanted: int, log: Path) -> None:
        self.port = wanted if is_free(wanted) else near_free_port(wanted)
        self.log = log
        self.service = Service(f"http://{HOST}:{self.port}")
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = installed.serve("--host", HOST, "--port", str(self.port), log=log)

    def wait_ready(self, advice: str) -> list[str]:
        """The providers that the model runs on. Raises `StepFailed`."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            answer = self.service.get("/readyz")
            if answer.status == 200:
                return list(answer.body["providersObtained"])
            time.sleep(_POLL_SECONDS)
        raise StepFailed("the server did not get ready", advice)

    def wait(self) -> int:
        return self._process.wait()

    def stop(self) -> None:
        """Ask first: the embedded database stops with its last user."""
        if self._process.poll() is None:
            self._process.send_signal(
                getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
                if os.name == "nt"
                else signal.SIGTERM
            )
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:])


def is_free(port: int) -> bool:
    """Whether nobody answers on it: bind would refuse a port whose last user has just gone."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return port != 0 and probe.connect_ex((HOST, port)) != 0


def near_free_port(wanted: int) -> int:
    """One of the next, if any is. A port that the system gives out is also given to others' calls, which
    may take it in the seconds until the server listens.
    """
    near = range(wanted + 1, min(wanted + _NEAR, 2**16)) if wanted else ()
    return next((port for port in near if is_free(port)), 0) or _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
