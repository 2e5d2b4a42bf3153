"""Several statements in one trip, and connections that are tried without one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text

from service.domain.collection import Collection, CollectionSettings
from service.domain.errors import DatabaseUnavailable, Overloaded
from service.storage.engine import POOL_SIZE, driver_of, has_something_to_read
from service.storage.failures import QueryFailed
from service.storage.storage import Storage
from service.storage.together import run
from service.storage.transaction import Transaction
from service.vault.vault import Vault
from tests.enrolled import add_people
from tests.postgres import TestServer
from tests.storage.people import NOW, collection, template, vectors

MADE = "CREATE TABLE made (n int)"


def lock_at_once(storage: Storage, kept: Collection, subject_id: str) -> None:
    with storage.transaction() as tx:
        run(tx.connection, "SET LOCAL lock_timeout = 1")
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


def test_each_statement_has_its_own_rows(storage: Storage) -> None:
    with storage.transaction() as tx:
        one, none, two = run(
            tx.connection,
            "SELECT %(a)s AS n; SET LOCAL work_mem = '1MB'; SELECT n FROM generate_series(1, %(a)s) n",
            {"a": 2},
        )
    assert (one, none, two) == ([{"n": 2}], [], [{"n": 1}, {"n": 2}])


@pytest.mark.parametrize("value", ["'; DROP TABLE subjects; --", "\\'", 'a"b', "%s %(a)s", "$1"])
def test_values_are_values_whatever_is_in_them(storage: Storage, value: str) -> None:
    with storage.transaction() as tx:
        assert run(tx.connection, "SELECT %(a)s::text AS t; SELECT 1", {"a": value})[0] == [
            {"t": value}
        ]


def test_failure_tells_no_value(storage: Storage) -> None:
    with pytest.raises(QueryFailed) as caught, storage.transaction() as tx:
        run(tx.connection, "SELECT 1; SELECT %(a)s::int", {"a": "kim"})
    assert "22P02" in str(caught.value)
    assert "kim" not in str(caught.value)


def test_a_face_is_judged_by_what_was_stored(storage: Storage) -> None:
    kept = collection()
    first, second = (template("kim", vector) for vector in vectors(2))
    with storage.transaction() as tx:
        tx.collections.add(kept)
        add_people(tx, kept, [first, second, template("lee")], NOW)
    with storage.transaction() as tx:
        judged = tx.failed_comparisons.subject(kept, "kim", counted=True)
        read = tx.templates.of(kept, "kim")
        uncounted = tx.failed_comparisons.subject(kept, "kim", counted=False)
        named = tx.failed_comparisons.subject_in(kept.name, "kim", counted=True)
    assert judged.refusals == {}
    assert named is not None
    for rows in (judged.templates, uncounted.templates, named.templates):
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
        assert len(tx.failed_comparisons.subject(kept, "kim", counted=True).templates) == found
    storage.close()


def test_there_is_no_trial_in_a_collection_that_is_not_there(storage: Storage) -> None:
    with storage.transaction() as tx:
        assert tx.failed_comparisons.subject_in("nowhere", "kim", counted=True) is None


def test_trial_is_of_the_collection_that_has_the_name_now(storage: Storage) -> None:
    """Whatever is guessed: nothing, what was right the last time, and what no longer is."""
    for _ in range(2):
        kept = collection()
        with storage.transaction() as tx:
            tx.collections.add(kept)
            add_people(tx, kept, [template("kim")], NOW)
        for _ in range(2):
            with storage.transaction() as tx:
                judged = tx.failed_comparisons.subject_in(kept.name, "kim", counted=True)
                assert judged is not None
                assert judged.collection.collection_id == kept.collection_id
                assert len(judged.templates) == 1
        with storage.transaction() as tx:
            tx.collections.delete(kept)


@pytest.mark.parametrize("known", [False, True])
def test_trial_in_a_collection_locks_the_subject_there(storage: Storage, known: bool) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
    if known:
        with storage.transaction() as tx:
            tx.failed_comparisons.subject_in(kept.name, "lee", counted=True)
    with storage.transaction() as tx:
        tx.failed_comparisons.subject_in(kept.name, "kim", counted=True)
        with pytest.raises(Overloaded):
            lock_at_once(storage, kept, "kim")


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
        assert run(tx.connection, "SELECT to_regclass('made') AS made") == [[{"made": None}]]


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


def test_something_to_read() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        quiet = has_something_to_read(ours.fileno())
        theirs.close()
        assert (quiet, has_something_to_read(ours.fileno())) == (False, True)
