"""The use cases on the real database and the real vault, with a stand-in engine and capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from service.gallery.database import PostgresGallery
from service.vault.cipher import KEY_BYTES
from service.vault.keyring import KeyRing
from service.vault.master_key import MasterKey
from tests.usecases.desk import Desk, Tables
from tests.usecases.stand_ins import StandInCapture, StandInClock, StandInEngine


@pytest.fixture
def tables(database_url: str) -> Iterator[Tables]:
    """The database itself."""
    tables = Tables(database_url)
    yield tables
    tables.close()


@pytest.fixture
def clock() -> StandInClock:
    return StandInClock()


@pytest.fixture
def desk(gallery: PostgresGallery, clock: StandInClock) -> Desk:
    """A running service with an empty `default` collection."""
    vault = KeyRing(MasterKey(bytes(KEY_BYTES)))
    desk = Desk(gallery, vault, StandInEngine(), StandInCapture(), clock)
    desk.collections.ensure_default()
    return desk


@pytest.fixture
def restarted(desk: Desk) -> Callable[[str], Desk]:
    """The same service, started again with the model of this name."""

    def start(model_name: str) -> Desk:
        return Desk(desk.gallery, desk.vault, StandInEngine(model_name), desk.capture, desk.clock)

    return start
