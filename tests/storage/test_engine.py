"""Several queries in one trip, and connections that are tried without one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from psycopg import Connection
from psycopg.errors import DivisionByZero
from sqlalchemy import text

from service.domain.collection import Collection, CollectionSettings
from service.domain.errors import CollectionNotFound, DatabaseUnavailable, Overloaded
from service.storage.engine import (
    POOL_SIZE,
    Query,
    Rows,
    driver_of,
    has_something_to_read,
    prepare_where_direct,
    run,
    single_use_engine,
)
from service.storage.failed_comparisons import BY_NAME, SubjectForComparison
from service.storage.failures import QueryFailed
from service.storage.storage import Storage
from service.storage.transaction import Transaction
from service.vault.vault import Vault
from tests.enrolled import add_people
from tests.postgres import TestServer
from tests.storage.people import NOW, collection, template, vectors

MADE = b"CREATE TABLE made (n int)"
IS_MADE = Query(b"SELECT to_regclass('made') AS made")


def judge(tx: Transaction, kept: Collection, *, counted: bool = True) -> SubjectForComparison:
    found = tx.failed_comparisons.subject_for_comparison(kept.name, "kim", counted=counted)
    assert found is not None
    return found


def in_transaction(storage: Storage, *queries: Query) -> list[Rows]:
    with storage.transaction() as tx:
        return run(tx.connection, *queries)


def wait_for_a_lock(storage: Storage) -> None:
    """Until somebody waits for one."""
    waiting = Query(b"SELECT pid FROM pg_locks WHERE NOT granted")
    with storage.transaction() as tx:
        while not run(tx.connection, waiting)[0]:
            pass


def lock_at_once(storage: Storage, kept: Collection, subject_id: str) -> None:
    with storage.transaction() as tx:
        run(tx.connection, Query(b"SET LOCAL lock_timeout = 1"))
        tx.failed_comparisons.lock_subject(kept, subject_id)


def begin_in_vain(storage: Storage, work: Callable[[Transaction], object]) -> None:
    with storage.transaction() as tx:
        work(tx)
        raise KeyError


def cut_off(storage: Storage, server: TestServer) -> None:
    with storage.transaction() as tx:
        pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        server.run(f"SELECT pg_terminate_backend({pid}, 5000)")
        tx.connection.execute(text("SELECT 1"))


def test_each_query_has_its_own_rows(storage: Storage) -> None:
    two = {"a": 2}
    with storage.transaction() as tx:
        rows = run(
            tx.connection,
            Query(b"SELECT %(a)s::int AS n", two),
            Query(b"SET LOCAL work_mem = '1MB'"),
            Query(b"SELECT n FROM generate_series(1, %(a)s) n", two),
        )
    assert rows == [[{"n": 2}], [], [{"n": 1}, {"n": 2}]]


def test_query_behind_a_lock_sees_what_its_holder_committed(storage: Storage) -> None:
    """Each has a snapshot of its own, though all of them were sent at once."""
    lock = Query(b"SELECT pg_advisory_xact_lock(1)")
    names = Query(b"SELECT name FROM collections")
    with ThreadPoolExecutor() as pool:
        with storage.transaction() as tx:
            run(tx.connection, lock)
            waiting = pool.submit(in_transaction, storage, lock, names)
            wait_for_a_lock(storage)
            tx.collections.add(collection())
        assert waiting.result() == [[{"pg_advisory_xact_lock": ""}], [{"name": "default"}]]


@pytest.mark.parametrize("queries", [1, 2])
@pytest.mark.parametrize("value", ["'; DROP TABLE subjects; --", "\\'", 'a"b', "%s %(a)s", "$1"])
def test_values_are_values_whatever_is_in_them(storage: Storage, value: str, queries: int) -> None:
    with storage.transaction() as tx:
        asked = [Query(b"SELECT %(a)s::text AS t", {"a": value})] * queries
        assert run(tx.connection, *asked) == [[{"t": value}]] * queries


def test_failure_tells_no_value(storage: Storage) -> None:
    with pytest.raises(QueryFailed) as caught, storage.transaction() as tx:
        run(tx.connection, Query(b"SELECT 1"), Query(b"SELECT %(a)s::text::int", {"a": "kim"}))
    assert "22P02" in str(caught.value)
    assert "kim" not in str(caught.value)


def test_nothing_runs_behind_a_query_that_fails(storage: Storage) -> None:
    with pytest.raises(QueryFailed, match="22012"), storage.transaction() as tx:
        run(tx.connection, Query(b"SELECT 1 / 0"), Query(MADE), Query(b"COMMIT"))
    with storage.transaction() as tx:
        assert run(tx.connection, IS_MADE) == [[{"made": None}]]


def test_a_block_that_goes_on_after_a_failure_is_not_committed(storage: Storage) -> None:
    def fail_unnoticed(tx: Transaction) -> None:
        tx.collections.add(collection())
        with suppress(DivisionByZero):
            run(tx.connection, Query(b"SELECT 1 / 0"))

    with pytest.raises(QueryFailed), storage.transaction() as tx:
        fail_unnoticed(tx)
    with storage.transaction() as tx:
        assert tx.collections.names() == []


def test_a_face_is_judged_by_what_was_stored(storage: Storage) -> None:
    kept = collection()
    first, second = template("kim"), template("kim", vectors(2)[1], model_id="another")
    with storage.transaction() as tx:
        tx.collections.add(kept)
        add_people(tx, kept, [first, second, template("lee")], NOW)
    with storage.transaction() as tx:
        judged = judge(tx, kept)
        read = tx.templates.of(kept, "kim")
        uncounted = judge(tx, kept, counted=False)
    assert judged.refusals == {}
    for rows in (judged.templates, uncounted.templates):
        assert {row.template_id for row in rows} == {first.template_id, second.template_id}
        for row, same in zip(rows, read, strict=True):
            assert np.array_equal(row.search.values, same.search.values)
            assert row.sealed == same.sealed
            assert row.created_at == same.created_at == NOW


@pytest.mark.parametrize(("days", "found"), [(None, 1), (2, 1), (1, 0)])
def test_nobody_is_judged_by_whom_the_collection_keeps_no_longer(
    database_url: str, vault: Vault, days: int | None, found: int
) -> None:
    storage = Storage(database_url, lambda: NOW + timedelta(days=1), lambda: vault)
    kept = collection(settings=CollectionSettings(retention_days=days))
    with storage.transaction() as tx:
        tx.collections.add(kept)
        add_people(tx, kept, [template("kim")], NOW)
        assert len(judge(tx, kept).templates) == found
    storage.close()


def test_there_is_no_comparison_in_a_collection_that_is_not_there(storage: Storage) -> None:
    with storage.transaction() as tx, pytest.raises(CollectionNotFound):
        tx.failed_comparisons.subject_for_comparison("nowhere", "kim", counted=True)


def test_comparison_is_in_the_collection_that_has_the_name_now(storage: Storage) -> None:
    for _ in range(2):
        kept = collection()
        with storage.transaction() as tx:
            tx.collections.add(kept)
            add_people(tx, kept, [template("kim")], NOW)
        with storage.transaction() as tx:
            judged = judge(tx, kept)
            assert judged.collection.collection_id == kept.collection_id
            assert len(judged.templates) == 1
        with storage.transaction() as tx:
            tx.collections.delete(kept)


def test_nobody_is_compared_with_who_is_in_another_collection_than_was_found(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is deleted and made anew between the statements of one trip."""
    found, newer = collection(), collection("newer")
    with storage.transaction() as tx:
        for each in (found, newer):
            tx.collections.add(each)
        add_people(tx, newer, [template("kim")], NOW)
    by_name = Query(BY_NAME.subject, {"name": "newer", "subject_id": "kim"})
    with storage.transaction() as tx:
        rows = run(tx.connection, by_name, Query(BY_NAME.templates, by_name.values))
        assert [len(each) for each in rows] == [1, 1]
        monkeypatch.setattr(
            tx.collections, "find_with_keys_locked_and", lambda *_, **__: (found, rows)
        )
        assert judge(tx, found, counted=False).templates == []


def test_comparison_locks_the_subject(storage: Storage) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
    with storage.transaction() as tx:
        judge(tx, kept)
        with pytest.raises(Overloaded):
            lock_at_once(storage, kept, "kim")
        lock_at_once(storage, kept, "lee")


def test_transaction_that_asks_nothing_leaves_nothing_behind(storage: Storage) -> None:
    with storage.transaction():
        pass
    assert storage.find_api_key("id-1") is None
    with storage.transaction() as tx:
        tx.collections.add(collection())
    with storage.transaction() as tx:
        assert len(tx.collections.names()) == 1


def test_transaction_that_fails_before_it_asks_leaves_nothing_behind(
    storage: Storage,
) -> None:
    with pytest.raises(KeyError), storage.transaction():
        raise KeyError
    with storage.transaction() as tx:
        query = text("SELECT now() = statement_timestamp()")
        assert tx.connection.execute(query).scalar_one() is False


def test_first_statement_of_sqlalchemy_is_inside_the_transaction(storage: Storage) -> None:
    with pytest.raises(KeyError):
        begin_in_vain(storage, lambda tx: tx.collections.add(collection()))
    with storage.transaction() as tx:
        assert tx.collections.names() == []


def test_first_statement_of_the_driver_is_inside_the_transaction(storage: Storage) -> None:
    with pytest.raises(KeyError):
        begin_in_vain(storage, lambda tx: driver_of(tx.connection).execute(MADE))
    with storage.transaction() as tx:
        assert run(tx.connection, IS_MADE) == [[{"made": None}]]


def test_connections_are_kept(storage: Storage) -> None:
    def backends() -> set[int]:
        with storage.transaction() as one, storage.transaction() as other:
            query = text("SELECT pg_backend_pid()")
            return {tx.connection.execute(query).scalar_one() for tx in (one, other)}

    assert backends() == backends()
    assert POOL_SIZE >= 2


def test_every_connection_is_made_anew_after_all_were_cut(
    storage: Storage, postgres_server: TestServer
) -> None:
    query = text("SELECT pg_backend_pid()")
    with storage.transaction() as one, storage.transaction() as other:
        cut = [tx.connection.execute(query).scalar_one() for tx in (one, other)]
    for pid in cut:
        postgres_server.run(f"SELECT pg_terminate_backend({pid}, 5000)")
    with storage.transaction() as one, storage.transaction() as other:
        made = [tx.connection.execute(query).scalar_one() for tx in (one, other)]
    assert not {*cut} & {*made}


def test_transaction_that_is_cut_off_finds_the_database_unavailable(
    storage: Storage, postgres_server: TestServer
) -> None:
    with pytest.raises(DatabaseUnavailable):
        cut_off(storage, postgres_server)


PREPARED = Query(b"SELECT 1 AS one FROM pg_prepared_statements", prepared=False)


def test_queries_are_prepared_where_nobody_sits_in_between(storage: Storage) -> None:
    with storage.transaction() as tx:
        before = len(run(tx.connection, PREPARED)[0])
        run(tx.connection, Query(b"SELECT %(one)s AS one", {"one": 1}))
        assert len(run(tx.connection, PREPARED)[0]) == before + 1


@pytest.mark.parametrize(("in_between", "prepares"), [(0, True), (1, False)])
def test_nothing_is_prepared_behind_a_pooler(
    storage: Storage, in_between: int, prepares: bool
) -> None:
    """It names a process of its own making."""
    with storage.transaction() as tx:
        server = driver_of(tx.connection).pgconn
        seen = SimpleNamespace(exec_=server.exec_, backend_pid=server.backend_pid + in_between)
        connection = SimpleNamespace(pgconn=seen, prepare_threshold=None)
        prepare_where_direct(cast("Connection[object]", connection))
    assert (connection.prepare_threshold is not None) is prepares


def test_a_column_that_changes_its_type_fails_one_call_that_may_come_again(
    storage: Storage, database_url: str
) -> None:
    """As a migration does it while an older server is running."""
    read = Query(b"SELECT number FROM changed")
    other = single_use_engine(database_url)
    with other.begin() as elsewhere:
        elsewhere.execute(text("CREATE TABLE changed (number int4)"))
    with storage.transaction() as tx:
        run(tx.connection, read)
    with other.begin() as elsewhere:
        elsewhere.execute(text("ALTER TABLE changed ALTER number TYPE int8"))
    with pytest.raises(Overloaded), storage.transaction() as tx:
        run(tx.connection, read)
    with storage.transaction() as tx:
        assert run(tx.connection, read) == [[]]


def test_something_to_read() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        quiet = has_something_to_read(ours.fileno())
        theirs.close()
        assert (quiet, has_something_to_read(ours.fileno())) == (False, True)
