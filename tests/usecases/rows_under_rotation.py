"""Many people in a collection, rotations of their key in processes of their own, and callers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import select

from service.domain.collection import WrappedKey
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import template_of
from service.storage.storage import Storage
from service.storage.tables import templates
from service.usecases.unlocked_collection import UnlockedCollection
from tests.enrolled import add_people
from tests.usecases.service_process import DEFAULT, Service

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60
"""How long one process may take before its test fails."""

LOOK_SECONDS = 0.02
"""How often it is looked whether a rotation has come as far as it is to come."""

PAUSE_SECONDS = 0.1
"""Between two calls of one caller: on two cores the rotation itself must have a share as well."""


def crowd(number: int) -> list[Embedding]:
    """Random people."""
    vectors = np.random.default_rng(7).normal(size=(number, EMBEDDING_SIZE)).astype(np.float32)
    return list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def store(service: Service, storage: Storage, them: list[Embedding]) -> None:
    """Everybody at once, as `stranger0`, `stranger1`, …"""
    with storage.transaction() as tx:
        found = tx.collections.find_with_keys_locked(DEFAULT)
        assert found is not None
        people, now = UnlockedCollection.unlock(found, service.vault), service.clock()
        sealed = [
            people.seal(f"stranger{n}", service.model_id, template_of([face]), now)
            for n, face in enumerate(them)
        ]
        add_people(tx, found, sealed, now)


@dataclass(frozen=True)
class RotationProcess:
    """`face keys rotate` on a database, as an operator runs it."""

    database_url: str
    master_key: str
    folder: Path

    def start(self) -> subprocess.Popen[bytes]:
        settings = {"DATABASE_URL": self.database_url, "MASTER_KEY": self.master_key}
        inherited = {k: v for k, v in os.environ.items() if not k.upper().startswith("FACE_")}
        given = {f"FACE_{name}": value for name, value in settings.items()}
        # Products of this size gain nothing from threads, which would take the callers' cores.
        given["OPENBLAS_NUM_THREADS"] = "1"
        return subprocess.Popen(
            [sys.executable, "-m", "service", "keys", "rotate", "--lang", "en"],
            cwd=self.folder,
            env={**inherited, **given, "PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"},
            stderr=subprocess.PIPE,
        )

    def finish(self) -> tuple[int, str]:
        """Status and what it said."""
        with self.start() as process:
            _, said = process.communicate(timeout=SECONDS)
        return process.returncode, said.decode()

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """SIGKILL, as a power cut or the kernel would: nothing is tidied up."""
        with self.start() as process:
            while not reached():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
                    break
            process.kill()
            process.wait(SECONDS)
        assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"


def has_left(storage: Storage, subject_id: str, key: WrappedKey) -> bool:
    """Whether this person's only template is under the key no longer."""
    query = select(templates.c.key_id).where(templates.c.subject_id == subject_id)
    with storage.transaction() as tx:
        return tx.connection.scalar(query) != key.key_id


@dataclass
class Callers:
    """Threads that make a call over and over. `calls`: how often each was answered."""

    calls: dict[str, int] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def _call(self, name: str, call: Callable[[int], None]) -> None:
        try:
            while not self._over.is_set():
                call(self.calls[name])
                self.calls[name] += 1
                self._over.wait(PAUSE_SECONDS)
        except BaseException as failure:
            self.failures.append(failure)

    @contextmanager
    def at_work(self, **calls: Callable[[int], None]) -> Iterator[None]:
        """Each call in a thread of its own, with the number of the call."""
        self.calls = dict.fromkeys(calls, 0)
        threads = [threading.Thread(target=self._call, args=each) for each in calls.items()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
