"""Whatever stands between the service and its database is named, by a real server or what is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import DatabaseUnavailable, DatabaseUnsuitable, FaceError, Overloaded
from service.storage.embedded_server import EmbeddedServer
from service.storage.engine import single_use_engine
from service.storage.failures import translated
from service.storage.migrations import migrate
from service.storage.storage import Storage
from tests.contract.certificates import Authority
from tests.own_server import OwnServer, own_server, small_disk, tls_in_front

RULES = (
    "host all rejected 127.0.0.1/32 reject",
    "host all known 127.0.0.1/32 scram-sha-256",
    "host all plain,nobody,few,sleepy 127.0.0.1/32 trust",
)


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server(RULES, ["max_connections = 12"]) as server:
        server.run(
            "CREATE ROLE known LOGIN PASSWORD 'right'",
            "CREATE ROLE plain LOGIN",
            "CREATE ROLE rejected LOGIN",
            "CREATE ROLE few LOGIN CONNECTION LIMIT 0",
            "CREATE ROLE sleepy LOGIN",
            "ALTER ROLE sleepy SET statement_timeout = 200",
            "CREATE DATABASE closed",
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
            "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0",
            "CREATE DATABASE migrated",
            "CREATE DATABASE elsewhere",
        )
        migrate(server.url(database="migrated"))
        server.run(
            "CREATE SCHEMA extensions",
            "CREATE EXTENSION vector SCHEMA extensions",
            database="elsewhere",
        )
        yield server


def failure(url: str) -> FaceError:
    storage = Storage(url)
    with pytest.raises(FaceError) as raised:
        storage.check()
    storage.close()
    return raised.value


def diagnosis(url: str) -> Diagnosis:
    found = failure(url).diagnosis
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("role", "database", "options", "expected"),
    [
        ("known:wrong", "postgres", "", Diagnosis(Cause.PASSWORD_WRONG, {"role": "known"})),
        ("known", "postgres", "?passfile=/nowhere", Diagnosis(Cause.PASSWORD_MISSING)),
        ("nobody", "postgres", "", Diagnosis(Cause.ROLE_UNKNOWN, {"role": "nobody"})),
        ("plain", "none", "", Diagnosis(Cause.DATABASE_UNKNOWN, {"database": "none"})),
        ("few", "postgres", "", Diagnosis(Cause.TOO_MANY_CONNECTIONS)),
        (
            "plain",
            "postgres",
            "?ssl=true",
            Diagnosis(Cause.OPTION_UNKNOWN, {"option": "ssl", "nearest": "sslmode"}),
        ),
        (
            "plain",
            "postgres",
            "?conect_timeout=3",
            Diagnosis(
                Cause.OPTION_UNKNOWN, {"option": "conect_timeout", "nearest": "connect_timeout"}
            ),
        ),
        (
            "plain",
            "postgres",
            "?sslmode=yes",
            Diagnosis(Cause.OPTION_INVALID, {"option": "sslmode"}),
        ),
    ],
    ids=lambda value: value.cause if isinstance(value, Diagnosis) else None,
)
def test_cause_of_a_connection_that_was_refused(
    server: OwnServer, role: str, database: str, options: str, expected: Diagnosis
) -> None:
    assert diagnosis(server.url(role, database, options)) == expected


@pytest.mark.parametrize("role", ["rejected", "stranger"])
def test_rules_of_the_server_are_quoted(server: OwnServer, role: str) -> None:
    found = diagnosis(server.url(role))
    assert found.cause == Cause.NOT_ADMITTED
    assert f'user "{role}"' in str(found.values["said"])


def test_database_that_a_role_may_not_enter_is_named(server: OwnServer) -> None:
    found = diagnosis(server.url("plain", "closed"))
    assert found.cause == Cause.RIGHT_MISSING
    assert '"closed"' in str(found.values["said"])


def test_table_that_a_role_may_not_read_is_named(server: OwnServer) -> None:
    storage = Storage(server.url("plain", "migrated"))
    with pytest.raises(DatabaseUnavailable) as raised, storage.transaction() as tx:
        tx.collections.find_with_keys_locked("default")
    storage.close()
    found = raised.value.diagnosis
    assert found is not None
    assert found.cause == Cause.RIGHT_MISSING
    assert "table collections" in str(found.values["said"])


def test_time_limit_of_a_role_is_named(server: OwnServer) -> None:
    engine = single_use_engine(server.url("sleepy"))
    with pytest.raises(Overloaded) as raised, translated(), engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60)")
    assert raised.value.diagnosis == Diagnosis(Cause.STATEMENT_TIMEOUT)


def test_no_connection_left_is_overload_and_named(server: OwnServer) -> None:
    with ExitStack() as taken:
        for _ in range(9):  # of 12, three are for superusers
            taken.enter_context(psycopg.connect(server.url("plain")))
        error = failure(server.url("plain"))
    assert isinstance(error, Overloaded)
    assert error.diagnosis == Diagnosis(Cause.TOO_MANY_CONNECTIONS)


def test_closed_port_is_named_with_its_address() -> None:
    assert diagnosis("postgresql://face@127.0.0.1:1/face") == Diagnosis(
        Cause.PORT_CLOSED, {"server": "127.0.0.1:1"}
    )


def test_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = diagnosis(f"postgresql://face@/face?host={tmp_path}")
    assert found == Diagnosis(Cause.PORT_CLOSED, {"server": f"{tmp_path}/.s.PGSQL.5432"})


def test_unknown_host_is_named() -> None:
    found = diagnosis("postgresql://face@database.invalid/face")
    assert found == Diagnosis(Cause.HOST_UNKNOWN, {"host": "database.invalid"})


def test_server_that_is_no_postgresql_is_told_from_one_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_answer_as_http, args=(listener,), daemon=True).start()
        url = f"postgresql://face@127.0.0.1:{listener.getsockname()[1]}/face"
        assert diagnosis(url).cause == Cause.NOT_POSTGRESQL


def _answer_as_http(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(8)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_server_without_tls_is_not_spoken_to_where_tls_was_asked_for(server: OwnServer) -> None:
    found = diagnosis(server.url("plain", options="?sslmode=require"))
    assert found == Diagnosis(Cause.TLS_REFUSED, {"server": f"127.0.0.1:{server.port}"})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def encrypted(server: OwnServer, authority: Authority) -> Iterator[int]:
    with tls_in_front(server.port, authority.pair("database")) as port:
        yield port


def test_certificate_of_a_trusted_authority_is_accepted(
    encrypted: int, authority: Authority
) -> None:
    options = f"?sslmode=verify-full&sslrootcert={authority.certificate}"
    storage = Storage(f"postgresql://plain@127.0.0.1:{encrypted}/migrated{options}")
    storage.require_suitable()
    storage.close()


@pytest.mark.parametrize(
    ("host", "authorities", "cause"),
    [
        ("127.0.0.1", "system", Cause.CERTIFICATE_REFUSED),
        ("127.0.0.1", "another", Cause.CERTIFICATE_REFUSED),
        ("127.0.0.1", "/nowhere.pem", Cause.AUTHORITY_MISSING),
        ("localhost", "its own", Cause.CERTIFICATE_OF_ANOTHER_HOST),
    ],
)
def test_certificate_that_is_not_trusted_is_told_from_one_of_another_host(
    encrypted: int, authority: Authority, tmp_path: Path, host: str, authorities: str, cause: Cause
) -> None:
    files = {"another": Authority(tmp_path).certificate, "its own": authority.certificate}
    options = f"?sslmode=verify-full&sslrootcert={files.get(authorities, authorities)}"
    assert diagnosis(f"postgresql://plain@{host}:{encrypted}/migrated{options}").cause == cause


def test_certificate_that_has_expired_is_not_trusted(
    server: OwnServer, authority: Authority
) -> None:
    with tls_in_front(server.port, authority.pair("expired", expired=True)) as port:
        options = f"?sslmode=verify-full&sslrootcert={authority.certificate}"
        found = diagnosis(f"postgresql://plain@127.0.0.1:{port}/migrated{options}")
    assert found == Diagnosis(Cause.CERTIFICATE_REFUSED, {"server": f"127.0.0.1:{port}"})


def unsuitable(url: str) -> Diagnosis | None:
    with pytest.raises(DatabaseUnsuitable) as raised:
        migrate(url)
    return raised.value.diagnosis


def test_database_that_does_not_know_its_encoding_is_refused(server: OwnServer) -> None:
    found = unsuitable(server.url(database="ascii"))
    assert found == Diagnosis(Cause.ENCODING_NOT_UTF8, {"encoding": "SQL_ASCII"})


def test_extension_outside_the_search_path_is_refused_with_the_way_out(server: OwnServer) -> None:
    url = server.url(database="elsewhere")
    values = {"schema": "extensions", "role": "postgres"}
    assert unsuitable(url) == Diagnosis(Cause.EXTENSION_ELSEWHERE, values)
    server.run("ALTER DATABASE elsewhere SET search_path = public, extensions")
    migrate(url)


def test_extension_that_a_role_may_not_create_is_the_superusers_to_make(server: OwnServer) -> None:
    server.run("CREATE DATABASE bare")
    values = {"database": "bare", "role": "plain"}
    assert unsuitable(server.url("plain", "bare")) == Diagnosis(Cause.EXTENSION_MISSING, values)


def test_styles_of_role_and_database_change_nothing(server: OwnServer) -> None:
    server.run(
        "ALTER ROLE postgres IN DATABASE migrated SET DateStyle = 'SQL, DMY'",
        "ALTER ROLE postgres IN DATABASE migrated SET IntervalStyle = 'sql_standard'",
        "ALTER ROLE postgres IN DATABASE migrated SET TimeZone = 'Asia/Seoul'",
        "ALTER ROLE postgres IN DATABASE migrated SET client_encoding = 'EUC_KR'",
    )
    with single_use_engine(server.url(database="migrated")).connect() as connection:
        text = "SELECT '2026-03-04 05:06:07+00'::timestamptz, '1 day 2 hours'::interval, '가'"
        moment, duration, syllable = connection.exec_driver_sql(text).one()
    server.run("ALTER ROLE postgres IN DATABASE migrated RESET ALL")
    assert moment.isoformat() == "2026-03-04T05:06:07+00:00"
    assert duration.total_seconds() == 26 * 3600
    assert syllable == "가"


def test_disk_that_is_full_at_the_first_start_is_named() -> None:
    with small_disk(mebibytes=8) as folder, pytest.raises(DatabaseUnavailable) as raised:
        EmbeddedServer(folder).start()
    assert raised.value.diagnosis == Diagnosis(Cause.DISK_FULL)
