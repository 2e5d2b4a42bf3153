"""Both storages: the real PostgreSQL, and a server that speaks Redis' protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from fakeredis import FakeRedis, TcpFakeServer
from limits.storage import RedisStorage
from limits.storage import Storage as CounterStorage

from service.rate_limits.windows import redis_counters
from service.storage.storage import Storage

LOOPBACK = "127.0.0.1"

Opened = Callable[[], CounterStorage]
"""A connection to one and the same storage, as each process makes its own."""


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
    galleries: list[Storage] = []

    def open_gallery() -> CounterStorage:
        galleries.append(Storage(url))
        return galleries[-1].counters()

    yield open_gallery
    for storage in galleries:
        storage.close()
