"""Several queries in one trip, and connections that are tried without one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from psycopg import Connection
from psycopg.errors import DivisionByZero
from sqlalchemy import text
from sqlalchemy.pool import ConnectionPoolEntry

from service.domain.collection import Collection, CollectionSettings
from service.domain.errors import CollectionNotFound, DatabaseUnavailable, Overloaded
from service.storage.engine import POOL_SIZE, prepare_where_direct
from service.storage.failed_comparisons import BY_NAME, SubjectForComparison
from service.storage.failures import QueryFailed
from service.storage.queries import Query, driver_of, run
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


@pytest.mark.parametrize(("in_between", "prepares"), [(0, True), (1, False)])
def test_nothing_is_prepared_behind_a_pooler(
    storage: Storage, in_between: int, prepares: bool
) -> None:
    """It names a process of its own making."""
    with storage.transaction() as tx:
        server = driver_of(tx.connection).pgconn
        seen = SimpleNamespace(exec_=server.exec_, backend_pid=server.backend_pid + in_between)
        connection, record = SimpleNamespace(pgconn=seen), SimpleNamespace(info={})
        prepare_where_direct(
            cast("Connection[object]", connection), cast("ConnectionPoolEntry", record)
        )
    assert ("prepared" in record.info) is prepares
