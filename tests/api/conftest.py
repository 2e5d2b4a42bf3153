"""The HTTP application in this process: real database and vault, a stand-in engine and capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.api.installed import Installed, install
from tests.postgres import TestServer


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
