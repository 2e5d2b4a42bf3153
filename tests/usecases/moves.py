"""One of several processes that serve two models while people are moved.

    python -m tests.usecases.moves DATABASE_URL PEOPLE verify SEED
    python -m tests.usecases.moves DATABASE_URL PEOPLE finish

Verifies everybody with photographs, in an order of its own, or finishes the move.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from service.domain.errors import SubjectNotFound
from service.storage.storage import Storage
from service.usecases import model_move
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from tests.usecases.service_process import CALLER, DEFAULT, Service
from tests.usecases.stand_ins import NextEngine, StandInCapture, StandInClock, StandInEngine

SMALL_BATCH = 4


def both_models(url: str) -> Service:
    """As a process of its own has it, under the master key of the fixture `vault`."""
    vault, clock = Vault(MasterKey(bytes(KEY_BYTES))), StandInClock()
    storage = Storage(url, clock, lambda: vault, lambda _: clock())
    engine, capture = StandInEngine(), StandInCapture()
    return Service(storage, vault, engine, capture, clock, next_engine=NextEngine())


def names(people: int) -> Iterator[str]:
    return (f"person{number}" for number in range(people))


def quiet(moved: int, total: int) -> None:
    """Nobody watches."""


def _verify_all(service: Service, people: int, seed: int) -> None:
    order = list(names(people))
    random.Random(seed).shuffle(order)
    for name in order:
        try:
            assert service.verify(name, f"{name}:{seed}").decision.match
        except SubjectNotFound:  # erased meanwhile
            continue


def _finish(service: Service) -> None:
    model_move.BATCH = SMALL_BATCH
    service.move_model.finish(DEFAULT, CALLER, quiet, erase_unmoved=False)


if __name__ == "__main__":
    process = both_models(sys.argv[1])
    if sys.argv[3] == "finish":
        _finish(process)
    else:
        _verify_all(process, int(sys.argv[2]), int(sys.argv[4]))
