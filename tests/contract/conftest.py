"""One server for all of these tests, and for each test a collection of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.contract.desk import Desk, ok
from tests.contract.installation import Installation, Server
from tests.postgres import TestServer
from tests.usecases.desk import Tables


@pytest.fixture(scope="session")
def installation(
    postgres_server: TestServer, migrated_template: str, model_root: Path
) -> Iterator[Installation]:
    url = postgres_server.create(migrated_template)
    with tempfile.TemporaryDirectory(prefix="face-contract-") as folder:
        yield Installation(Path(folder), model_root, url)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def photo_roots(people: dict[str, list[Path]], scenes: list[Path]) -> list[Path]:
    """The folders that the server may read."""
    return [next(iter(people.values()))[0].parents[1], scenes[0].parent]


@pytest.fixture(scope="session")
def server(installation: Installation, photo_roots: list[Path]) -> Iterator[Server]:
    roots = ":".join(str(root) for root in photo_roots)
    with installation.serving(image_roots=roots) as server:
        yield server


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """One with all scopes."""
    return installation.key()


@pytest.fixture(scope="session")
def http(server: Server, key: str) -> Iterator[httpx.Client]:
    with server.client(key) as client:
        yield client


@pytest.fixture
def desk(http: httpx.Client) -> Desk:
    """In a collection of this test's own."""
    desk = Desk(http, f"c-{uuid4().hex}")
    ok(desk.put())
    return desk


@pytest.fixture
def tables(installation: Installation) -> Iterator[Tables]:
    tables = Tables(installation.database_url)
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def portraits(people: dict[str, list[Path]]) -> list[Path]:
    """The first person's five photographs."""
    return next(iter(people.values()))
