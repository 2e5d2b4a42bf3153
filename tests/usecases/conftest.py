"""The use cases on the real database and the real vault, with a stand-in engine and capture.

The database and the default collection's key are made once: a copied database and a key's rotation
take tenths of a second, and there are hundreds of tests. Each test starts with empty tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from service.domain.collection import DEFAULT_COLLECTION, Collection, CollectionSettings
from service.storage.storage import Storage
from service.vault.vault import Vault
from tests.postgres import TestServer
from tests.usecases.lookalikes import enroll_twins
from tests.usecases.service_process import Service, Tables
from tests.usecases.stand_ins import StandInCapture, StandInClock, StandInEngine


@pytest.fixture(scope="session")
def shared_database_url(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    url = postgres_server.create(migrated_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def default_collection(vault: Vault) -> Collection:
    """As `ensure_default` makes it."""
    collection_id, made_at = uuid4(), StandInClock().now
    keys = vault.new_keys(collection_id, made_at)
    return Collection(collection_id, DEFAULT_COLLECTION, None, CollectionSettings(), keys, made_at)


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    """A migrated database with empty tables."""
    Tables(shared_database_url).clear()
    return shared_database_url


@pytest.fixture(scope="session")
def service_role(postgres_server: TestServer, shared_database_url: str) -> Iterator[str]:
    """A role that may log in and is a member of `face_service`, as docs/roles.md has it."""
    name = f"face_test_{uuid4().hex}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    postgres_server.run(f"GRANT face_service TO {name}")
    yield name
    postgres_server.run(f"DROP ROLE {name}")


@pytest.fixture
def service_url(database_url: str, service_role: str) -> str:
    """The database as the service reaches it: with the rights that it is granted, and no others."""
    url = make_url(database_url).set(username=service_role, password="x")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def tables(database_url: str) -> Tables:
    return Tables(database_url)


@pytest.fixture
def clock() -> StandInClock:
    return StandInClock()


@pytest.fixture
def storage(service_url: str, clock: StandInClock, vault: Vault) -> Iterator[Storage]:
    """Where time passes as the clock is moved, for the database too."""
    storage = Storage(service_url, clock, lambda: vault, lambda _: clock())
    yield storage
    storage.close()


@pytest.fixture
def bare_service(storage: Storage, vault: Vault, clock: StandInClock) -> Service:
    """A service that has never started: not even the default collection exists."""
    return Service(storage, vault, StandInEngine(), StandInCapture(), clock)


@pytest.fixture
def service(bare_service: Service, default_collection: Collection) -> Service:
    """A running service with an empty `default` collection."""
    with bare_service.storage.transaction() as tx:
        tx.collections.add(default_collection)
    return bare_service


@pytest.fixture
def twins(service: Service) -> Service:
    """With two who look alike, of whom one was flagged."""
    enroll_twins(service)
    return service


@pytest.fixture
def restarted(service: Service) -> Callable[[str], Service]:
    """The same service, started again with the model of this name."""
    return lambda model_name: replace(service, engine=StandInEngine(model_name))
