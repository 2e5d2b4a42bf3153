"""The HTTP application in this process: real database and vault, a stand-in engine and capture.

Counters of calls in both storages: the real PostgreSQL, and a server that speaks Redis' protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread

import pytest
from fakeredis import FakeRedis, TcpFakeServer
from limits.storage import RedisStorage
from limits.storage import Storage as CounterStorage

from service.api.rate_limits import redis_counters
from service.storage.storage import Storage
from tests.api.installed import Installed, install
from tests.postgres import TestServer

LOOPBACK = "127.0.0.1"

Opened = Callable[[], CounterStorage]
"""A connection to one and the same storage, as each process makes its own."""


@pytest.fixture
def installing(database_url: str) -> Iterator[Callable[..., Installed]]:
    """Installs the service with the settings given, all on one database."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(install(database_url, **settings))


@pytest.fixture(scope="session")
def shared_database_url(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    url = postgres_server.create(migrated_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def service(shared_database_url: str) -> Iterator[Installed]:
    """One for all who change nothing in it; it takes any number of calls."""
    with install(shared_database_url) as service:
        yield service


@pytest.fixture
def redis_url() -> Iterator[str]:
    """Empty, but for the library's script: where a script is missing, Redis says so and waits for
    it, while this stand-in hangs up.
    """
    server = TcpFakeServer((LOOPBACK, 0))
    server.daemon_threads = True
    FakeRedis(server=server.fake_server).script_load(RedisStorage.SCRIPT_INCR_EXPIRE)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"redis://{LOOPBACK}:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["postgresql", "redis"])
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        yield lambda: redis_counters(url)
        return
    url = request.getfixturevalue("database_url")
    storages: list[Storage] = []

    def open_storage() -> CounterStorage:
        storages.append(Storage(url))
        return storages[-1].counters()

    yield open_storage
    for storage in storages:
        storage.close()
