"""Queries past SQLAlchemy: their rows, several in one trip, what is prepared, and what breaks on the way."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import DatabaseUnavailable, Overloaded
from service.storage import queries
from service.storage.engine import single_use_engine
from service.storage.failures import QueryFailed
from service.storage.queries import Query, Rows, has_something_to_read, run
from service.storage.storage import Storage
from tests.storage.people import collection

MADE = b"CREATE TABLE made (n int)"
IS_MADE = Query(b"SELECT to_regclass('made') AS made")


def in_transaction(storage: Storage, *queries: Query) -> list[Rows]:
    with storage.transaction() as tx:
        return run(tx.connection, *queries)


def one_by_one(storage: Storage, *steps: Sequence[Query]) -> None:
    """Each step a trip, and a pause behind it."""
    with storage.transaction() as tx:
        for each in steps:
            run(tx.connection, *each)
            time.sleep(0.1)


def wait_for_a_lock(storage: Storage) -> None:
    """Until somebody waits for one."""
    waiting = Query(b"SELECT pid FROM pg_locks WHERE NOT granted")
    with storage.transaction() as tx:
        while not run(tx.connection, waiting)[0]:
            pass


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
        assert waiting.result() == [[{"pg_advisory_xact_lock": b""}], [{"name": "default"}]]


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


def test_trip_may_be_longer_than_the_line_holds(storage: Storage) -> None:
    """The server writes what it has answered, and reads no further, until somebody reads it here."""
    long = Query(b"SELECT %(a)s::bytea AS a", {"a": bytes(4_000_000)})
    assert in_transaction(storage, *[long] * 4) == [[{"a": bytes(4_000_000)}]] * 4


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("prepared", [True, False])
def test_server_says_why_it_hangs_up(storage: Storage, before: int, *, prepared: bool) -> None:
    """Before the line breaks, and so not in the last answer."""
    read = Query(b"SELECT 1", prepared=prepared)
    soon = Query(b"SET LOCAL idle_in_transaction_session_timeout = 1")
    with pytest.raises(DatabaseUnavailable) as caught:
        one_by_one(storage, [soon], [read] * (before + 1))
    assert caught.value.diagnosis == Diagnosis(Cause.SESSION_TIMEOUT)


@pytest.mark.parametrize("behind", [0, 1])
def test_trip_that_is_cut_off_finds_the_database_unavailable(storage: Storage, behind: int) -> None:
    cut = Query(b"SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)")
    with pytest.raises(DatabaseUnavailable):
        in_transaction(storage, Query(b"SELECT 1"), cut, *[Query(MADE)] * behind)
    assert in_transaction(storage, IS_MADE) == [[{"made": None}]]


@pytest.mark.parametrize("behind", [0, 1])
def test_connection_is_closed_whose_trip_was_left(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """Its answers would be taken for those of the next."""

    def interrupted(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    def left() -> None:
        with storage.transaction() as tx:
            monkeypatch.setattr(queries, "wait_for", interrupted)
            run(tx.connection, *[Query(MADE, prepared=False)] * (behind + 1))

    with pytest.raises(KeyboardInterrupt):
        left()
    monkeypatch.undo()
    assert in_transaction(storage, IS_MADE) == [[{"made": None}]]


def test_query_is_part_of_a_transaction_that_the_driver_begins(
    storage: Storage, database_url: str
) -> None:
    with single_use_engine(database_url).connect() as connection:
        run(connection, Query(MADE), Query(b"SELECT 1"))
        connection.rollback()
    assert in_transaction(storage, IS_MADE) == [[{"made": None}]]


@pytest.mark.parametrize("behind", [0, 1])
def test_nothing_is_copied(storage: Storage, behind: int) -> None:
    """libpq answers the same for ever, until somebody does."""
    copied = Query(b"COPY collections TO STDOUT")
    with pytest.raises(QueryFailed):
        in_transaction(storage, copied, *[copied] * behind)


def test_percent_sign_is_written_twice(storage: Storage) -> None:
    read = Query(b"SELECT '%%(a)s 5 %%' AS t, %(a)s::text AS a", {"a": "b"})
    assert in_transaction(storage, read) == [[{"t": "%(a)s 5 %", "a": "b"}]]


PREPARED = Query(b"SELECT 1 AS one FROM pg_prepared_statements", prepared=False)


def test_queries_are_prepared_where_nobody_sits_in_between(storage: Storage) -> None:
    with storage.transaction() as tx:
        before = len(run(tx.connection, PREPARED)[0])
        run(tx.connection, Query(b"SELECT %(one)s AS one", {"one": 1}))
        assert len(run(tx.connection, PREPARED)[0]) == before + 1


def test_no_more_is_prepared_than_there_is_room_for(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_PREPARED", 0)
    read = Query(b"SELECT %(n)s::int8 AS n", {"n": 1})
    assert in_transaction(storage, PREPARED, read, read)[1:] == [[{"n": 1}]] * 2
    assert in_transaction(storage, PREPARED) == [[]]


def test_what_somebody_made_the_server_forget_is_prepared_again(storage: Storage) -> None:
    read = Query(b"SELECT 1 AS one")
    forget = Query(b"DEALLOCATE ALL", prepared=False)
    with pytest.raises(QueryFailed, match="26000"):
        one_by_one(storage, [read], [forget], [read])
    assert in_transaction(storage, read) == [[{"one": 1}]]


@pytest.mark.parametrize("number", [1, 2**15, 2**40, -1, None])
def test_numbers_of_every_size_are_taken(storage: Storage, number: int | None) -> None:
    read = Query(b"SELECT %(n)s::int8 AS n", {"n": number})
    assert in_transaction(storage, read, read) == [[{"n": number}]] * 2


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
