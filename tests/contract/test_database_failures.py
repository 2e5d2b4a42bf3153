"""A database that goes away and comes back, or is not as it should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage.embedded_server import EmbeddedServer, start_embedded
from service.storage.migrations import migrate
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.contract.tables import Tables
from tests.domain.vectors import face_of

KIM = face_of("kim")


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedServer]:
    """A PostgreSQL of this module's own, which it stops."""
    folder = tempfile.mkdtemp(prefix="face-failing-")
    embedded = start_embedded(Path(folder))
    migrate(embedded.url)
    yield embedded
    embedded.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def lonely(
    database: EmbeddedServer, model_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    return Installation(tmp_path_factory.mktemp("lonely"), model_root, database.url)


@pytest.fixture(scope="module")
def serving(lonely: Installation) -> Iterator[Server]:
    with lonely.serving() as server:
        yield server


@pytest.fixture(scope="module")
def client(serving: Server, lonely: Installation) -> Iterator[CollectionClient]:
    with serving.client(lonely.key()) as http:
        yield CollectionClient(http, "default")


def test_stopped_database_is_unavailable_and_comes_back(
    database: EmbeddedServer, client: CollectionClient
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    database.stop()
    for answer in (client.given("/verify", KIM, subjectId="kim"), client.subjects()):
        assert code(answer) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert ok(client.http.get("/healthz"))["status"] == "alive"
    readiness = client.http.get("/readyz")
    assert (readiness.status_code, readiness.json()["database"]) == (503, "database_unavailable")
    assert readiness.headers["Retry-After"]
    database.start()
    assert client.http.get("/readyz").status_code == 200
    assert ok(client.given("/verify", KIM, subjectId="kim"))["match"] is True


def test_database_of_another_revision_is_not_ready(
    lonely: Installation, client: CollectionClient
) -> None:
    tables = Tables(lonely.database_url)
    tables.change("UPDATE alembic_version SET version_num = 'older-' || version_num")
    readiness = client.http.get("/readyz")
    tables.change("UPDATE alembic_version SET version_num = substr(version_num, 7)")
    tables.close()
    assert (readiness.status_code, readiness.json()["status"]) == (503, "not_ready")
    assert readiness.json()["database"] == "database_not_migrated"
    assert client.http.get("/readyz").status_code == 200


def test_database_that_takes_no_writes_is_not_ready(
    lonely: Installation, serving: Server, client: CollectionClient
) -> None:
    tables = Tables(lonely.database_url)
    tables.outside_transactions("ALTER SYSTEM SET default_transaction_read_only = on")
    tables.run("SELECT pg_reload_conf()")
    try:
        serving.wait_until(lambda: client.http.get("/readyz").status_code == 503)
        readiness = client.http.get("/readyz")
        refused = client.given("/enroll", face_of("lee"), subjectId="lee")
    finally:
        tables.outside_transactions("ALTER SYSTEM RESET default_transaction_read_only")
        tables.run("SELECT pg_reload_conf()")
        tables.close()
    assert readiness.json()["database"] == "database_read_only"
    assert readiness.headers["Retry-After"]
    assert code(refused) == (503, "database_unavailable")
    serving.wait_until(lambda: client.http.get("/readyz").status_code == 200)


def test_table_that_is_missing_is_a_database_that_is_not_migrated(
    lonely: Installation, client: CollectionClient
) -> None:
    tables = Tables(lonely.database_url)
    tables.run("ALTER TABLE subjects RENAME TO hidden")
    answer = client.subjects()
    tables.run("ALTER TABLE hidden RENAME TO subjects")
    tables.close()
    assert code(answer) == (503, "database_not_migrated")
    assert answer.headers["Retry-After"]


def test_server_does_not_start_on_a_database_that_is_not_migrated(
    installation: Installation, empty_database_url: str
) -> None:
    run = installation.face("server", database_url=empty_database_url)
    assert run.returncode == 3
    assert "database_not_migrated" in run.stderr
    assert "face migrate" in run.stderr
    assert "Traceback" not in run.stderr


def test_server_does_not_start_without_its_database(installation: Installation) -> None:
    run = installation.face("server", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert run.returncode == 3
    assert "database_unavailable" in run.stderr
    assert "Traceback" not in run.stderr


def test_server_does_not_start_without_its_model(installation: Installation) -> None:
    run = installation.face("server", model_name="no_such_pack")
    assert run.returncode == 3
    assert "model_unavailable" in run.stderr
    assert "Traceback" not in run.stderr


def test_server_does_not_start_with_another_master_key(installation: Installation) -> None:
    run = installation.face("server", master_key="A" * 43 + "=")
    assert run.returncode == 3
    assert "master_key_invalid" in run.stderr
