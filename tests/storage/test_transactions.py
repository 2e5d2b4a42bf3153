"""All or nothing, one after the other, and what a caller is told when that is not to be had."""

from __future__ import annotations

import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from service.domain.errors import DatabaseNotMigrated, DatabaseUnavailable, Overloaded
from service.storage import transaction
from service.storage.embedded_server import start_embedded
from service.storage.engine import driver_url
from service.storage.failures import QueryFailed
from service.storage.migrations import migrate
from service.storage.queries import Query
from service.storage.storage import Storage
from tests.postgres import TestServer
from tests.storage.people import collection, subject

IMPATIENT = text("SELECT set_config('lock_timeout', '50', true)")
NOBODY_LISTENS = "postgresql://nobody@127.0.0.1:1/face"


def test_error_in_the_block_leaves_nothing(storage: Storage) -> None:
    def fail_halfway() -> None:
        with storage.transaction() as tx:
            tx.collections.add(collection())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with storage.transaction() as tx:
        assert tx.collections.find_with_keys_locked("default") is None


def test_collection_is_free_after_the_transaction(storage: Storage) -> None:
    kept = collection()
    for _ in range(2):
        with storage.transaction() as tx:
            tx.connection.execute(IMPATIENT)
            tx.collections.lock(kept)


def test_lock_that_is_not_to_be_had_is_an_overload(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = collection()
    with storage.transaction() as first:
        first.collections.lock(kept)
        begin = Query(b"BEGIN; SET LOCAL lock_timeout = 50", prepared=False)
        monkeypatch.setattr(transaction, "_BEGIN", begin)
        with pytest.raises(Overloaded), storage.transaction() as second:
            second.collections.lock(kept)


def test_other_collections_are_not_locked(storage: Storage) -> None:
    with storage.transaction() as first, storage.transaction() as second:
        first.collections.lock(collection())
        second.collections.lock(collection())


def test_after_the_lock_one_sees_what_its_holder_did(storage: Storage) -> None:
    """Of many who check first and insert then, one inserts."""
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
    together = threading.Barrier(8)

    def enroll(_: int) -> bool:
        with storage.transaction() as tx:
            together.wait()
            tx.collections.lock(kept)
            if tx.subjects.page(kept, 1, None):
                return False
            tx.subjects.add(kept, subject("kim"))
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enroll, range(8))) == 1


def test_whoever_loses_a_race_may_try_again(storage: Storage) -> None:
    with storage.transaction() as tx:
        tx.collections.add(collection("same-name"))
    with pytest.raises(Overloaded), storage.transaction() as tx:
        tx.collections.add(collection("same-name"))


def outlast_a_limit(storage: Storage) -> None:
    with storage.transaction() as tx:
        tx.connection.execute(text("SELECT set_config('statement_timeout', '20', true)"))
        tx.connection.execute(text("SELECT pg_sleep(30)"))


def test_statement_that_takes_too_long_is_ended(storage: Storage) -> None:
    with storage.transaction() as tx:
        assert tx.connection.scalar(text("SHOW statement_timeout")) == "30s"
    with pytest.raises(Overloaded):
        outlast_a_limit(storage)


def test_failure_tells_no_value(storage: Storage) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
    with pytest.raises(QueryFailed) as caught, storage.transaction() as tx:
        tx.subjects.add(kept, subject("no such subject id"))
    assert "subjects_subject_id_check" in str(caught.value)
    assert "no such" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_server_that_does_not_answer_is_unavailable() -> None:
    storage = Storage(NOBODY_LISTENS)
    with pytest.raises(DatabaseUnavailable):
        storage.check()
    with pytest.raises(DatabaseUnavailable), storage.transaction():
        pass


def test_server_stopped_in_between_is_unavailable_and_then_back() -> None:
    with tempfile.TemporaryDirectory(prefix="face-test-") as folder:
        server = start_embedded(Path(folder))
        migrate(server.url)
        storage = Storage(server.url)
        storage.check()
        server.stop()
        with pytest.raises(DatabaseUnavailable), storage.transaction():
            pass
        server.start()
        storage.check()
        storage.close()
        server.stop()


def test_connection_lost_in_a_transaction_is_unavailable(
    storage: Storage, postgres_server: TestServer
) -> None:
    def lose_connection() -> None:
        with storage.transaction() as tx:
            pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
            postgres_server.run(f"SELECT pg_terminate_backend({pid}, 5000)")
            tx.collections.find_with_keys_locked("default")

    with pytest.raises(DatabaseUnavailable):
        lose_connection()


def test_gallery_goes_on_after_its_connections_were_cut(
    storage: Storage, postgres_server: TestServer
) -> None:
    with storage.transaction() as tx:
        pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
    postgres_server.run(f"SELECT pg_terminate_backend({pid}, 5000)")
    with storage.transaction() as tx:
        assert tx.collections.find_with_keys_locked("default") is None


def test_database_without_tables_is_not_migrated(empty_database_url: str) -> None:
    storage = Storage(empty_database_url)
    with pytest.raises(DatabaseNotMigrated):
        storage.check()
    with pytest.raises(DatabaseNotMigrated), storage.transaction() as tx:
        tx.collections.find_with_keys_locked("default")
    storage.close()


def test_database_of_another_revision_is_not_migrated(storage: Storage) -> None:
    with storage.transaction() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    with pytest.raises(DatabaseNotMigrated):
        storage.check()


def test_too_many_connections_are_an_overload(
    storage: Storage, postgres_server: TestServer, database_url: str
) -> None:
    name = driver_url(database_url).database
    postgres_server.run(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'x' CONNECTION LIMIT 0")
    postgres_server.run(f"ALTER ROLE {name} NOSUPERUSER")
    limited = driver_url(database_url).set(username=name, password="x")
    try:
        crowded = Storage(limited.render_as_string(hide_password=False))
        with pytest.raises(Overloaded), crowded.transaction():
            pass
    finally:
        postgres_server.run(f"DROP ROLE {name}")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_driver_need_not_be_named(scheme: str) -> None:
    assert driver_url(f"{scheme}://u:p%25@h/d").drivername == "postgresql+psycopg"


def test_transactions_read_committed_whatever_the_server_prefers(
    storage: Storage, postgres_server: TestServer, database_url: str
) -> None:
    name = driver_url(database_url).database
    postgres_server.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    with storage.transaction() as tx:
        assert tx.connection.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_commit_stands_in_one_place() -> None:
    """What is sent, not what is said about it; migrations and a restore leave it to SQLAlchemy."""
    sent = re.compile(r'b?"(?:BEGIN|COMMIT|ROLLBACK)\b|\b\w+\.(?:commit|rollback)\(')
    found = {
        (path.name, match)
        for path in Path("service").rglob("*.py")
        for match in sent.findall(path.read_text("utf-8"))
    }
    assert found == {
        ("transaction.py", 'b"BEGIN'),
        ("transaction.py", 'b"COMMIT'),
        ("storage.py", "transaction.commit("),
    }
