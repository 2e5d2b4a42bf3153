"""A service as an operator runs it: settings in the environment, one process, keys made locally."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
from pydantic import SecretStr

from service.config import AppConfig
from service.domain.callers import Scope
from service.wiring import Wiring
from tests.ports import free_port

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
LOOPBACK = "127.0.0.1"
CHECKOUT = Path(__file__).parents[2]

START_SECONDS, STOP_SECONDS, CALL_SECONDS = 90.0, 15.0, 60.0
_PAUSE = 0.05
_INHERITED = ("PATH", "HOME", "OPENBLAS_NUM_THREADS")

Line = dict[str, Any]
"""Of the log."""


@dataclass(frozen=True)
class Server:
    """A process that serves; its log is what it wrote to stderr."""

    process: psutil.Popen
    url: str
    log_file: Path
    tls: ssl.SSLContext | bool = False
    """False where it speaks plain HTTP: each client would load certificates that nobody needs."""

    def client(self, key: str | None = None) -> httpx.Client:
        """`key`: sent as a bearer token."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=CALL_SECONDS, verify=self.tls
        )

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 0

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8")

    def access(self) -> list[Line]:
        """The log's line of each call."""
        return [line for line in lines_of(self.log) if line["logger"] == "service.access"]

    def wait_until_ready(self) -> None:
        self.wait_until(self._answers)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.log
            self._stay(_PAUSE)

    def _answers(self) -> bool:
        try:
            with self.client() as http:
                return http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _stay(self, seconds: float) -> None:
        """Waits for the process to end, which it must not."""
        try:
            status = self.process.wait(seconds)
        except psutil.TimeoutExpired:
            return
        raise AssertionError(f"the server ended with status {status}:\n{self.log}")

    def kill(self) -> None:
        """As if its machine had lost its power."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """With all its workers. Where it was killed: does nothing."""
        if not self.process.is_running():
            return
        family = [*self.process.children(recursive=True), self.process]
        self.process.terminate()
        _, alive = psutil.wait_procs(family, STOP_SECONDS)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, STOP_SECONDS)


@dataclass(frozen=True)
class Installation:
    """A database, a model and a folder of its own."""

    folder: Path
    model_root: Path
    database_url: str

    def environment(self, **settings: object) -> dict[str, str]:
        """`settings`: fields of `AppConfig`."""
        own: Mapping[str, object] = {
            "model_name": "mobile_s",
            "model_root": self.model_root,
            "use_gpu": False,
            "database_url": self.database_url,
            "master_key": MASTER_KEY,
            "data_dir": self.folder / "data",
            # Many tests call one server from one address, with one key, and try many faces.
            "rate_limit_per_key": "off",
            "rate_limit_per_address": "off",
            "rate_limit_failures": "off",
            "lockout_after": 0,
            **settings,
        }
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # The server's folder is another, and so may be what is installed.
        inherited["PYTHONPATH"] = str(CHECKOUT)
        return {**inherited, **{f"FACE_{name.upper()}": str(own[name]) for name in own}}

    def key(
        self,
        *scopes: Scope,
        collections: tuple[str, ...] = (),
        lasts: timedelta | None = None,
        ago: timedelta = timedelta(0),
    ) -> str:
        """A new API key; without scopes it has all of them. `ago`: made by a clock so far behind."""
        made = datetime.now(UTC) - ago
        expires_at = None if lasts is None else made + lasts
        with self._wiring(made) as wiring:
            return wiring.api_keys.create(
                f"key-{uuid4().hex}", scopes or tuple(Scope), collections, expires_at
            ).key

    def revoke(self, key: str) -> None:
        with self._wiring() as wiring:
            name = wiring.api_keys.authenticate(key).name
            wiring.api_keys.revoke(name)

    @contextmanager
    def _wiring(self, now: datetime | None = None) -> Iterator[Wiring]:
        config = AppConfig(
            database_url=SecretStr(self.database_url), master_key=SecretStr(MASTER_KEY)
        )
        wiring = Wiring(config, clock=(lambda: now) if now else None)
        yield wiring
        wiring.storage.close()

    def face(self, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """The command line, run to its end."""
        return subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            env=self.environment(**settings),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )

    @contextmanager
    def serving(
        self,
        *options: str,
        host: str = LOOPBACK,
        tls: ssl.SSLContext | None = None,
        descriptors: int | None = None,
        **settings: object,
    ) -> Iterator[Server]:
        """`face server` with these options, ready; stopped at the end.

        `tls`: how its callers reach it where it speaks HTTPS. `descriptors`: it can have no more.
        """
        port = free_port()
        log_file = self.folder / f"server-{port}.log"
        command = [sys.executable, "-m", "service", "server", "--host", host, "--port", str(port)]
        with log_file.open("wb") as log:
            process = psutil.Popen(
                [*_with_descriptors(descriptors), *command, *options],
                env=self.environment(**settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        scheme = "https" if tls else "http"
        server = Server(process, f"{scheme}://{LOOPBACK}:{port}", log_file, tls or False)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()


def lines_of(log: str) -> list[Line]:
    """The service's own: decoders in C write to stderr past Python's logging."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def _with_descriptors(most: int | None) -> list[str]:
    """What a command begins with that can have no more. A shell sets the limit: between fork and
    exec this process, in which models are loaded, may run no Python.
    """
    return [] if most is None else ["sh", "-c", f'ulimit -n {most}; exec "$@"', "sh"]
