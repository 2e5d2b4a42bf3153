"""Scrubbing keeps what is there, says what it could not do, and waits for nobody for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from service.domain.errors import DatabaseNotMigrated, DatabaseUnavailable, Overloaded
from service.storage import scrub as scrubbing
from service.storage.engine import driver_url, single_use_engine
from service.storage.migrations import compare
from service.storage.scrub import Scrubbed, scrub
from service.storage.storage import Storage
from service.storage.tables import metadata
from tests.postgres import TestServer
from tests.storage.people import collection, subject, template


@pytest.fixture
def role(postgres_server: TestServer, database_url: str) -> Iterator[URL]:
    """The address for a role without any privilege."""
    url = driver_url(database_url)
    postgres_server.run(f"CREATE ROLE {url.database} LOGIN PASSWORD 'x'")
    yield url.set(username=url.database, password="x")
    with single_use_engine(database_url).begin() as connection:
        connection.execute(text(f"REASSIGN OWNED BY {url.database} TO CURRENT_USER"))
        connection.execute(text(f"DROP OWNED BY {url.database}"))
    postgres_server.run(f"DROP ROLE {url.database}")


@pytest.fixture
def owner(role: URL, database_url: str) -> URL:
    """The same, but that the role owns the tables."""
    with single_use_engine(database_url).begin() as connection:
        connection.execute(text(f"GRANT CREATE ON SCHEMA public TO {role.username}"))
        for table in scrubbing.TABLES:
            connection.execute(text(f"ALTER TABLE {table} OWNER TO {role.username}"))
    return role


def test_people_are_there_afterwards(storage: Storage, database_url: str) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add(kept, subject("kim"))
        tx.templates.add(kept, template("kim"))
    scrub(database_url)
    with storage.transaction() as tx:
        assert tx.collections.find_with_keys_locked("default") == kept
        assert len(tx.templates.of(kept, "kim")) == 1


def test_every_table_that_names_people_or_holds_their_keys_is_written_anew() -> None:
    telling = {"subject_id", "sealed", "wrapped", "wrapped_name_key", "hash"}
    named = {table.name for table in metadata.sorted_tables if telling & set(table.c.keys())}
    assert named == set(scrubbing.TABLES)


def test_what_the_tables_owner_may_not_is_told(owner: URL) -> None:
    address = owner.render_as_string(hide_password=False)
    assert scrub(address) == Scrubbed(tables=True, statistics=False, log=False)


def test_who_owns_no_table_is_told(role: URL) -> None:
    address = role.render_as_string(hide_password=False)
    assert scrub(address) == Scrubbed(tables=False, statistics=False, log=False)


def test_log_that_is_recycled_counts_as_remaining(
    postgres_server: TestServer, database_url: str
) -> None:
    postgres_server.run("ALTER SYSTEM SET wal_recycle = on")
    postgres_server.run("SELECT pg_reload_conf()")
    try:
        assert scrub(database_url) == Scrubbed(tables=True, statistics=True, log=False)
    finally:
        postgres_server.run("ALTER SYSTEM RESET wal_recycle")
        postgres_server.run("SELECT pg_reload_conf()")


def test_table_that_stays_in_use_is_an_overload(
    storage: Storage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "WAIT_SECONDS", 0.05)
    with storage.transaction() as tx:
        tx.collections.find_with_keys_locked("default")
        with pytest.raises(Overloaded):
            scrub(database_url)


def test_transaction_that_may_still_see_the_deleted_is_waited_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It uses none of the tables, and yet VACUUM FULL would keep for it what was deleted."""
    monkeypatch.setattr(scrubbing, "WAIT_SECONDS", 0.05)
    engine = single_use_engine(database_url).execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(Overloaded):
            scrub(database_url)
    assert scrub(database_url).tables


def test_scrubbing_leaves_no_table_behind(database_url: str) -> None:
    scrub(database_url)
    compare(database_url)


def test_database_without_tables_is_not_migrated(empty_database_url: str) -> None:
    with pytest.raises(DatabaseNotMigrated):
        scrub(empty_database_url)


def test_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        scrub("postgresql://nobody@127.0.0.1:1/face")
