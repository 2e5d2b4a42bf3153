"""A database that takes no writes is told from one that does, and by which cause, without writing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.domain.errors import (
    DatabaseReadOnly,
    DatabaseRightMissing,
    DatabaseStandby,
    FaceError,
)
from service.storage.embedded_programs import run, server_owner
from service.storage.embedded_server import EmbeddedServer, start_embedded
from service.storage.engine import single_use_engine
from service.storage.migrations import migrate
from service.storage.storage import Storage
from service.usecases.readiness import CheckReadiness, Readiness
from tests.postgres import TestServer
from tests.storage.test_roles import SERVICE, logged_in
from tests.usecases.stand_ins import StandInEngine

START_SECONDS = 60


def check(url: str) -> FaceError | None:
    """What stands in the way."""
    storage = Storage(url)
    try:
        storage.check()
    except FaceError as error:
        return error
    finally:
        storage.close()
    return None


def readiness(url: str) -> Readiness:
    storage = Storage(url)
    try:
        return CheckReadiness(StandInEngine(), storage, [], "CC0-1.0")()
    finally:
        storage.close()


@pytest.mark.parametrize("whose", ["DATABASE {database}", "ROLE {role}"])
def test_read_only_by_a_setting_is_told(
    postgres_server: TestServer, database_url: str, whose: str
) -> None:
    with logged_in(postgres_server, database_url, SERVICE) as url:
        assert check(url) is None
        named = whose.format(database=make_url(url).database, role=make_url(url).username)
        postgres_server.run(f"ALTER {named} SET default_transaction_read_only = on")
        assert isinstance(check(url), DatabaseReadOnly)
        assert readiness(url).problem == "database_read_only"


def test_role_that_may_do_its_whole_job_is_ready(
    postgres_server: TestServer, database_url: str
) -> None:
    with logged_in(postgres_server, database_url, SERVICE) as url:
        assert readiness(url).ready


def test_role_without_a_right_is_told_which_and_on_what(
    postgres_server: TestServer, database_url: str
) -> None:
    with logged_in(postgres_server, database_url, "") as url:
        missing = check(url)
        assert isinstance(missing, DatabaseRightMissing)
        assert missing.values == {"right": "SELECT", "table": "alembic_version"}
        role = make_url(url).username
        with single_use_engine(database_url).begin() as connection:
            connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
        missing = check(url)
        assert isinstance(missing, DatabaseRightMissing)
        assert missing.values["right"] == "INSERT"
        with single_use_engine(database_url).begin() as connection:
            connection.execute(text(f"GRANT INSERT ON ALL TABLES IN SCHEMA public TO {role}"))
            connection.execute(text(f"REVOKE INSERT ON templates FROM {role}"))
        missing = check(url)
        assert isinstance(missing, DatabaseRightMissing)
        assert missing.values == {"right": "INSERT", "table": "templates"}
        assert readiness(url).problem == "database_right_missing"
        with single_use_engine(database_url).begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))


def test_database_before_its_migrations_is_told_as_that(empty_database_url: str) -> None:
    assert readiness(empty_database_url).problem == "database_not_migrated"


@pytest.fixture
def primary() -> Iterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder))
        migrate(server.url)
        yield server
        server.stop()


def test_standby_is_told_and_takes_part_again_once_promoted(primary: EmbeddedServer) -> None:
    url = primary.url
    assert check(url) is None
    _pg_ctl(primary, "stop", "-m", "fast")
    (primary.folder / "standby.signal").touch()
    _pg_ctl(primary, "start", "-l", "log")
    assert isinstance(check(url), DatabaseStandby)
    assert readiness(url).problem == "database_standby"
    _pg_ctl(primary, "promote")
    assert readiness(url).ready


def _pg_ctl(server: EmbeddedServer, action: str, *arguments: str) -> None:
    words = (action, "-w", "-t", str(START_SECONDS), "-D", ".", *arguments)
    run("pg_ctl", *words, inside=server.folder, timeout=START_SECONDS, owner=server_owner())
