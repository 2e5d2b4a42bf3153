"""A database as a whole, through pg_dump and pg_restore, on the real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import (
    CopyFailed,
    DatabaseNotEmpty,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    DatabaseUnsuitable,
)
from service.storage.dump_restore import DatabaseDumps, DumpProgram
from service.storage.engine import single_use_engine
from service.storage.migrations import migrate
from service.storage.tables import REVISION
from tests.contract.certificates import Authority
from tests.own_server import own_server, tls_in_front
from tests.postgres import TestServer

PASSWORD = "open-sesame"


@pytest.fixture
def source(database_url: str) -> DatabaseDumps:
    return DatabaseDumps(database_url)


@pytest.fixture
def target(empty_database_url: str) -> DatabaseDumps:
    return DatabaseDumps(empty_database_url)


@pytest.fixture
def role(postgres_server: TestServer) -> Iterator[str]:
    """Of the whole server; dropped by the test that needs it gone."""
    name = f"face_test_{uuid4().hex}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN")
    yield name
    postgres_server.run(f"DROP ROLE IF EXISTS {name}")


def change(url: str, *statements: str) -> None:
    with single_use_engine(url).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def query(url: str, statement: str) -> object:
    with single_use_engine(url).connect() as connection:
        return connection.scalar(text(statement))


def is_empty(copies: DatabaseDumps) -> bool:
    with pytest.raises(DatabaseNotMigrated), copies.snapshot():
        pass
    return True


def test_contents_are_those_of_the_database(source: DatabaseDumps, database_url: str) -> None:
    change(database_url, 'CREATE TABLE "Other\'s" AS SELECT generate_series(1, 3)')
    with source.snapshot() as snapshot:
        contents = snapshot.contents
    assert contents.revision == REVISION
    assert contents.rows["Other's"] == 3
    assert contents.rows["subjects"] == 0
    assert contents.postgresql == query(database_url, "SHOW server_version")


def test_copy_has_everything_that_was_there_at_its_moment(
    source: DatabaseDumps, target: DatabaseDumps, database_url: str, empty_database_url: str
) -> None:
    change(
        database_url,
        "CREATE TABLE later AS SELECT 1 AS number",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'append only'; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON later EXECUTE FUNCTION refuse()",
    )
    with source.snapshot() as snapshot:
        change(database_url, "INSERT INTO later VALUES (2)")
        target.load(snapshot.contents, snapshot.dump())
        before = snapshot.contents
    with target.snapshot() as copy:
        assert copy.contents == before
    assert query(empty_database_url, "SELECT count(*) FROM later") == 1
    with pytest.raises(Exception, match="append only"):
        change(empty_database_url, "DELETE FROM later")


def test_what_is_of_the_moment_is_in_no_backup(
    source: DatabaseDumps, target: DatabaseDumps, database_url: str, empty_database_url: str
) -> None:
    change(
        database_url,
        "INSERT INTO rate_counters VALUES ('key:a', 1, now())",
        "INSERT INTO liveness_frames VALUES"
        " (gen_random_uuid(), gen_random_uuid(), repeat('1', 256)::bit(256), '{}', now())",
    )
    with source.snapshot() as snapshot:
        target.load(snapshot.contents, snapshot.dump())
    assert not snapshot.contents.rows.keys() & {"rate_counters", "liveness_frames"}
    for table in ("rate_counters", "liveness_frames"):
        assert query(empty_database_url, f"SELECT count(*) FROM {table}") == 0


def test_rights_are_kept_where_the_server_has_not_the_role_yet(
    source: DatabaseDumps,
    target: DatabaseDumps,
    database_url: str,
    empty_database_url: str,
    role: str,
) -> None:
    change(database_url, f"GRANT SELECT ON subjects TO {role}")
    with source.snapshot() as snapshot:
        contents, dump = snapshot.contents, list(snapshot.dump())
    assert contents.roles == ("face_auditor", "face_service", role)
    change(database_url, f"REVOKE ALL ON subjects FROM {role}", f"DROP ROLE {role}")
    target.load(contents, dump)
    granted = f"SELECT has_table_privilege('{role}', 'subjects', 'SELECT')"
    assert query(empty_database_url, granted) is True
    can_log_in = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'"
    assert query(empty_database_url, can_log_in) is False
    change(empty_database_url, f"REVOKE ALL ON subjects FROM {role}")


def test_table_of_anybody_means_that_there_is_no_place(
    source: DatabaseDumps, target: DatabaseDumps, empty_database_url: str
) -> None:
    with source.snapshot() as snapshot:
        contents = snapshot.contents
    target.require_place_for(contents)
    change(empty_database_url, "CREATE EXTENSION vector")
    target.require_place_for(contents)
    change(empty_database_url, "CREATE SCHEMA theirs", "CREATE VIEW theirs.view AS SELECT 1")
    with pytest.raises(DatabaseNotEmpty):
        target.require_place_for(contents)


def test_owner_restores_where_the_extension_is_and_is_told_where_it_is_not(
    source: DatabaseDumps, postgres_server: TestServer, empty_database_url: str, role: str
) -> None:
    """pgvector is for superusers to create; everything else is the owner's."""
    name = make_url(empty_database_url).database
    postgres_server.run(f"ALTER DATABASE {name} OWNER TO {role}")
    url = make_url(empty_database_url).set(username=role).render_as_string(hide_password=False)
    target = DatabaseDumps(url)
    with source.snapshot() as snapshot:
        contents, dump = snapshot.contents, list(snapshot.dump())
    with pytest.raises(DatabaseUnsuitable) as refused:
        target.require_place_for(contents)
    assert refused.value.diagnosis == Diagnosis(
        Cause.EXTENSION_MISSING, {"database": name, "role": role}
    )
    change(empty_database_url, "CREATE EXTENSION vector")
    target.require_place_for(contents)
    target.load(contents, dump)
    with target.snapshot() as copy:
        assert copy.contents == contents
    postgres_server.run(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    change(empty_database_url, f"DROP OWNED BY {role} CASCADE")


@pytest.mark.parametrize(("postgresql", "pgvector"), [("99.1", "0.8.0"), ("18.0", "99.0.1")])
def test_older_server_than_the_backups_is_refused(
    source: DatabaseDumps, target: DatabaseDumps, postgresql: str, pgvector: str
) -> None:
    with source.snapshot() as snapshot:
        contents = replace(snapshot.contents, postgresql=postgresql, pgvector=pgvector)
    with pytest.raises(DatabaseUnsuitable) as refused:
        target.require_place_for(contents)
    diagnosis = refused.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause == Cause.BACKUP_OF_NEWER_SERVER
    assert str(diagnosis.values["backup"]).startswith("99.")


def test_database_without_the_tables_is_not_backed_up(target: DatabaseDumps) -> None:
    assert is_empty(target)


def test_server_that_is_not_there_is_told(source: DatabaseDumps) -> None:
    with (
        pytest.raises(DatabaseUnavailable),
        DatabaseDumps("postgresql://localhost:1/x").snapshot(),
    ):
        pass


def test_role_that_may_not_read_everything_is_refused(
    database_url: str, postgres_server: TestServer, role: str
) -> None:
    change(database_url, f"GRANT SELECT ON alembic_version, collections TO {role}")
    url = make_url(database_url).set(username=role).render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnsuitable) as refused, DatabaseDumps(url).snapshot():
        pass
    assert refused.value.diagnosis == Diagnosis(Cause.NOT_OWNER)
    change(database_url, f"REVOKE ALL ON alembic_version, collections FROM {role}")


def test_broken_off_copy_leaves_the_database_empty(
    source: DatabaseDumps, target: DatabaseDumps
) -> None:
    def broken_off() -> Iterator[bytes]:
        with source.snapshot() as snapshot:
            yield from (part[: len(part) // 2] for part in snapshot.dump())
        raise KeyboardInterrupt

    with source.snapshot() as snapshot:
        contents = snapshot.contents
    with pytest.raises(KeyboardInterrupt):
        target.load(contents, broken_off())
    assert is_empty(target)


def test_failed_copy_leaves_the_database_empty_and_says_why(
    source: DatabaseDumps, target: DatabaseDumps, database_url: str, empty_database_url: str
) -> None:
    change(empty_database_url, "CREATE FUNCTION in_the_way() RETURNS int RETURN 1")
    change(database_url, "CREATE FUNCTION in_the_way() RETURNS int RETURN 2")
    with source.snapshot() as snapshot, pytest.raises(CopyFailed) as failed:
        target.load(snapshot.contents, snapshot.dump())
    assert "in_the_way" in str(failed.value.values["cause"])
    assert is_empty(target)


def test_what_is_told_of_a_failure_quotes_no_row(
    source: DatabaseDumps,
    target: DatabaseDumps,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    change(database_url, "CREATE TABLE names AS SELECT 'kim-minji' AS name UNION ALL SELECT 'lee'")
    change(
        database_url,
        "CREATE FUNCTION right_here() RETURNS text LANGUAGE sql"
        " AS 'SELECT current_database()::text'",
    )
    change(
        database_url,
        f"ALTER TABLE names ADD CHECK (right_here() = '{make_url(database_url).database}')",
    )
    with source.snapshot() as snapshot, pytest.raises(CopyFailed) as failed:
        target.load(snapshot.contents, snapshot.dump())
    told = caplog.text + str(failed.value.values)
    assert "names" in told
    assert "kim-minji" not in told


def test_password_is_on_no_command_line(database_url: str) -> None:
    noise = "SELECT md5(random()::text) || md5(random()::text) AS x FROM generate_series(1, 100000)"
    change(database_url, f"CREATE TABLE noise AS {noise}")
    url = make_url(database_url).set(password=PASSWORD).render_as_string(hide_password=False)
    with DatabaseDumps(url).snapshot() as snapshot:
        parts = snapshot.dump()
        next(parts)
    running = [one for one in psutil.Process().children() if "pg_dump" in one.name()]
    assert running, "it must not have ended yet, or nothing is shown"
    for process in running:
        assert PASSWORD not in " ".join(process.cmdline())
        assert process.environ()["PGPASSWORD"] == PASSWORD
    parts.close()  # type: ignore[attr-defined]
    assert not any(process.is_running() for process in running)


def test_copy_over_an_encrypted_connection_is_never_made_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing but the embedded programs, without TLS
    with own_server() as server:
        server.run("CREATE DATABASE face")
        migrate(server.url(database="face"))
        with tls_in_front(server.port, Authority(tmp_path).pair("database")) as port:
            copies = DatabaseDumps(f"postgresql://postgres@127.0.0.1:{port}/face")
            with pytest.raises(DatabaseUnsuitable) as refused, copies.snapshot() as snapshot:
                next(iter(snapshot.dump()))
    values = {"program": "pg_dump", "server": 18}
    assert refused.value.diagnosis == Diagnosis(Cause.DUMP_PROGRAM_WITHOUT_TLS, values)


def test_server_newer_than_every_program_is_refused(database_url: str) -> None:
    with pytest.raises(DatabaseUnsuitable) as refused:
        DumpProgram("pg_dump", database_url, 99)
    values = {"program": "pg_dump", "server": 99}
    assert refused.value.diagnosis == Diagnosis(Cause.DUMP_PROGRAM_MISSING, values)
