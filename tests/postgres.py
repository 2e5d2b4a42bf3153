"""Databases for tests: one server a session, and for each test a fresh copy of a migrated database.

`FACE_TEST_DATABASE_URL` names another server than the embedded one: the URL of a database from
which a role that may create databases can create some.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from service.storage.embedded_server import start_embedded
from service.storage.engine import driver_url
from service.storage.migrations import migrate
from service.storage.storage import Storage
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault

_NO_WAITING_FOR_THE_DISK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class TestServer:
    """Makes and drops databases."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url: URL = driver_url(url)
        self._engine: Engine = create_engine(
            self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )

    def run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def create(self, template: str = "template0") -> str:
        """The URL of a new copy of `template`."""
        name = f"face_test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """In a folder of its own outside pytest's: those are not open to the server's user."""
    given = os.environ.get("FACE_TEST_DATABASE_URL")
    if given:
        yield TestServer(given)
        return
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        embedded = start_embedded(Path(folder))
        server = TestServer(embedded.url)
        for setting in _NO_WAITING_FOR_THE_DISK:
            server.run(f"ALTER SYSTEM SET {setting}")
        server.run("SELECT pg_reload_conf()")
        yield server
        embedded.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: TestServer) -> Iterator[str]:
    """The name of a database to copy: migrated, empty, used by nobody."""
    url = postgres_server.create()
    migrate(url)
    yield str(make_url(url).database)
    postgres_server.drop(url)


@pytest.fixture
def empty_database_url(postgres_server: TestServer) -> Iterator[str]:
    """A database in which no migration has run."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def database_url(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    """A migrated database of this test's own."""
    url = postgres_server.create(migrated_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def vault() -> Vault:
    """Under a master key of zeros."""
    return Vault(MasterKey(bytes(KEY_BYTES)))


@pytest.fixture
def storage(database_url: str, vault: Vault) -> Iterator[Storage]:
    """The real gallery on `database_url`."""
    storage = Storage(database_url, vault=lambda: vault)
    yield storage
    storage.close()
