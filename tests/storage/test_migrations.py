"""The database comes to its newest form by the migrations, and they match the tables in code."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from scripts.environment import ROOT
from service.domain.causes import Cause, Diagnosis
from service.domain.errors import DatabaseNotMigrated, DatabaseUnavailable, DatabaseUnsuitable
from service.storage.engine import driver_url, single_use_engine
from service.storage.migrations import compare, downgrade, known_revisions, migrate
from service.storage.storage import Storage
from service.storage.tables import REVISION, metadata
from tests.postgres import TestServer
from tests.storage.statements import noted

CONSTRAINTS = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
)
INDEXES = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename <> 'alembic_version'"
)


def _rules(url: str) -> dict[str, str]:
    with single_use_engine(url).connect() as connection:
        rows = [*connection.execute(CONSTRAINTS), *connection.execute(INDEXES)]
    return {name: rule for name, rule in rows if not name.startswith("alembic")}


def test_up_down_and_up_again(empty_database_url: str) -> None:
    migrate(empty_database_url)
    downgrade(empty_database_url, "base")
    migrate(empty_database_url)
    storage = Storage(empty_database_url)
    storage.check()
    storage.close()


def test_going_down_removes_every_table(empty_database_url: str) -> None:
    migrate(empty_database_url)
    downgrade(empty_database_url, "base")
    storage = Storage(empty_database_url)
    with pytest.raises(DatabaseNotMigrated):
        storage.check()
    storage.close()


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    before = _rules(database_url)
    migrate(database_url)
    assert _rules(database_url) == before


def test_tables_in_code_are_what_the_migrations_make(database_url: str) -> None:
    compare(database_url)


def test_rules_in_code_are_what_the_migrations_make(
    database_url: str, empty_database_url: str
) -> None:
    """Constraints and indexes, which Alembic compares only in part."""
    with single_use_engine(empty_database_url).begin() as connection:
        connection.execute(text("CREATE EXTENSION vector"))
        metadata.create_all(connection)
    assert _rules(empty_database_url) == _rules(database_url)


def test_workers_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [empty_database_url] * 4))
    compare(empty_database_url)


def test_extension_that_is_there_is_not_made_again(empty_database_url: str) -> None:
    """Citus refuses the statement to an ordinary role, whether or not there is anything to do."""
    with single_use_engine(empty_database_url).begin() as connection:
        connection.execute(text("CREATE EXTENSION vector"))
    with noted() as statements:
        migrate(empty_database_url)
    assert statements
    assert not [one for one in statements if "CREATE EXTENSION" in one]


def test_role_that_may_not_make_the_extension_is_told_who_may(
    empty_database_url: str, postgres_server: TestServer
) -> None:
    """The right to create in a schema is not enough for that."""
    url = driver_url(empty_database_url)
    postgres_server.run(f"CREATE ROLE {url.database} LOGIN PASSWORD 'x'")
    with single_use_engine(empty_database_url).begin() as connection:
        connection.execute(text(f"GRANT CREATE ON SCHEMA public TO {url.database}"))
    try:
        with pytest.raises(DatabaseUnsuitable) as refused:
            migrate(url.set(username=url.database, password="x").render_as_string(False))
    finally:
        with single_use_engine(empty_database_url).begin() as connection:
            connection.execute(text(f"DROP OWNED BY {url.database}"))
        postgres_server.run(f"DROP ROLE {url.database}")
    values = {"database": url.database, "role": url.database}
    assert refused.value.diagnosis == Diagnosis(Cause.EXTENSION_MISSING, values)


def test_failed_migration_leaves_nothing(empty_database_url: str) -> None:
    with single_use_engine(empty_database_url).begin() as connection:
        connection.execute(text("CREATE TABLE audit (in_the_way int)"))
    with pytest.raises(Exception, match="42P07"):
        migrate(empty_database_url)
    with single_use_engine(empty_database_url).connect() as connection:
        tables = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        assert tables.all() == ["audit"]


def test_password_with_a_percent_sign_works(
    empty_database_url: str, postgres_server: TestServer
) -> None:
    """Where the server asks for none it is at least carried unharmed."""
    name = driver_url(empty_database_url).database
    postgres_server.run(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'a%b%(c)s'")
    try:
        url = driver_url(empty_database_url).set(username=name, password="a%b%(c)s")
        migrate(url.render_as_string(hide_password=False))
    finally:
        postgres_server.run(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        downgrade(empty_database_url, "base")
        with single_use_engine(empty_database_url).begin() as connection:
            connection.execute(text(f"DROP OWNED BY {name} CASCADE"))
        postgres_server.run(f"DROP ROLE {name}")


def test_logging_stays_as_the_program_set_it(empty_database_url: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    migrate(empty_database_url)
    assert (root.level, list(root.handlers)) == before
    assert not logging.getLogger("service.storage").disabled


def test_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate("postgresql://nobody@127.0.0.1:1/face")


def test_newest_revision_is_that_of_the_scripts() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert scripts.get_heads() == [REVISION]
    assert REVISION in known_revisions()
