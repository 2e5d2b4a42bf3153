"""One of several processes that change a gallery at random, and compare every search from memory
with the exact scan of the same moment.

    python -m tests.usecases.congruence DATABASE_URL SEED STEPS [rotate]

Prints how many searches were compared, and how many of them had a shortlist.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import template_of
from service.search.eight_bits import EIGHT_BITS
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.storage.storage import Storage
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.candidates import find_candidates, find_candidates_of_many, shortlist
from service.usecases.erase import Erase
from service.usecases.index_sync import IndexSync
from service.usecases.key_rotation import RotateKey
from service.usecases.unlocked_collection import UnlockedCollection, lock_collection
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from tests.enrolled import add_people

FACES = 12
"""So few different ones that most searches find somebody."""

BETWEEN_STEPS = 0.005
"""Seconds in which the others get at the collection."""

AT_LEAST, LIMIT, MODEL = 0.4, 10, "crowd@sha256:0"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Process:
    url: str
    seed: int
    enrolled: list[str] = field(default_factory=list)
    compared: int = 0
    shortlisted: int = 0
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.vault = Vault(MasterKey(bytes(KEY_BYTES)))
        self.storage = Storage(self.url, vault=lambda: self.vault)
        self.audit = AuditRecorder(self.storage, lambda: self.vault, now)
        kind = (TWO_BITS, EIGHT_BITS)[self.seed % 2]
        self.index = VectorIndex(2**30, kind, workers=1)
        self.random = np.random.default_rng(self.seed)
        self.faces = _unit(np.random.default_rng(0).standard_normal((FACES, EMBEDDING_SIZE)))

    def run(self, number: int) -> None:
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(over,), daemon=True)
        keeper.start()
        for _ in range(number):
            steps = (self.enroll, self.enroll, self.erase, self.search)
            steps[self.random.integers(len(steps))]()
            time.sleep(BETWEEN_STEPS)
        over.set()
        keeper.join()

    def rotate(self, times: int) -> None:
        """Key after key."""
        for _ in range(times):
            rotate = RotateKey(self.storage, self.vault, now, self.audit)
            rotate(DEFAULT_COLLECTION, LOCAL_USER.name, lambda *_: None)

    def enroll(self) -> None:
        subject_id, face = f"p{self.seed}.{next(self.numbers)}", self._somebody()
        with self.storage.transaction() as tx:
            collection = lock_collection(tx, DEFAULT_COLLECTION)
            people = UnlockedCollection.unlock(collection, self.vault)
            row = people.seal(subject_id, MODEL, template_of([face]), now())
            add_people(tx, collection, [row], now())
        self.enrolled.append(subject_id)

    def erase(self) -> None:
        if self.enrolled:
            gone = self.enrolled.pop(int(self.random.integers(len(self.enrolled))))
            Erase(self.storage, self.audit)(gone, DEFAULT_COLLECTION, LOCAL_USER.name)

    def search(self) -> None:
        probes = [self._somebody() for _ in range(3)]
        with self.storage.transaction() as tx:
            people = UnlockedCollection.unlock(
                lock_collection(tx, DEFAULT_COLLECTION), self.vault
            ).of_model(MODEL)
            exact = [find_candidates(tx, people, probe, AT_LEAST, LIMIT) for probe in probes]
            for probe, found in zip(probes, exact, strict=True):
                near = shortlist(tx, people, probe, AT_LEAST, self.index)
                assert find_candidates(tx, people, probe, AT_LEAST, LIMIT, near) == found
                self.shortlisted += near is not None
            many = find_candidates_of_many(tx, people, probes, AT_LEAST, LIMIT, self.index)
            assert many == exact
        self.compared += len(probes)

    def _keep(self, over: threading.Event) -> None:
        keep = IndexSync(self.storage, self.index, worth_holding=1)
        while not over.wait(0.01):
            keep()

    def _somebody(self) -> Embedding:
        face = self.faces[self.random.integers(FACES)]
        other = _unit(self.random.standard_normal((1, EMBEDDING_SIZE)))[0]
        alike = self.random.uniform(0.5, 0.95)
        mixed = alike * face + np.sqrt(1 - alike**2) * other
        somebody: Embedding = _unit(mixed[None])[0]
        return somebody


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


if __name__ == "__main__":
    process = Process(sys.argv[1], int(sys.argv[2]))
    if "rotate" in sys.argv:
        process.rotate(int(sys.argv[3]))
    else:
        process.run(int(sys.argv[3]))
    sys.stdout.write(f"{process.compared} {process.shortlisted}\n")
