"""How PostgreSQL is reached: the driver, the pool, the waiting times; and how rows go there past SQLAlchemy.

Nothing is kept in a session, so that PgBouncer may sit in between and hand each transaction another
connection. Where nobody does, statements of the kind that every call makes are prepared on the server.

Rows go in with all values in PostgreSQL's binary format. A search vector as text costs more than all the
rest of an enrollment's row (measured: 0.6 ms of 1 ms to print 512 numbers, and the server has to read
them). One row is an INSERT; many go by COPY, at a third of the cost (measured: 2,000 people and their
templates in 0.17 s instead of 0.54).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from psycopg import Connection, OperationalError
from psycopg.adapt import Dumper
from psycopg.pq import ExecStatus, Format
from psycopg.sql import SQL, Composed, Identifier, Placeholder
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Engine,
    LargeBinary,
    Table,
    Text,
    Uuid,
    create_engine,
    event,
    text,
)
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from service.domain.errors import DatabaseDistributed
from service.storage.queries import (
    DRIVER,
    PREPARED,
    AnyConnection,
    driver_of,
    has_something_to_read,
)

POOL_SIZE: Final = 20
"""Connections of a process, of PostgreSQL's usual 100. Made when first needed and kept: making one
costs more than a whole verification's statements.
"""

POOL_SECONDS = 10
"""How long a call waits for a connection before it is told that there is too much to do."""

CONNECT_SECONDS = 5
"""How long reaching the server may take."""

_WITHOUT_DRIVER = {"postgresql", "postgres"}


def pooled_engine(url: str, size: int = POOL_SIZE) -> Engine:
    """Every statement by itself, until somebody begins a transaction (`Storage.transaction`)."""
    engine = create_engine(
        driver_url(url),
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_use_lifo=True,  # the ones that are not needed stay out of the caches
        **_common("AUTOCOMMIT"),
    )
    event.listen(engine, "connect", set_session)
    event.listen(engine, "connect", prepare_where_direct)
    event.listen(engine, "checkout", _require_quiet)
    return engine


def prepare_where_direct(connection: Connection[Any], record: ConnectionPoolEntry) -> None:
    """Let `run` prepare statements where no pooler sits in between; for SQLAlchemy's event `connect`.

    Where none does, the process that answers is the one that was connected to: a pooler names none of the
    server's. Planning took PostgreSQL nearly half of a verification's time.
    """
    answers = connection.pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0)
    if answers is not None and int(answers) == connection.pgconn.backend_pid:
        record.info[PREPARED] = {}


def _require_quiet(connection: Connection[Any], *_: object) -> None:
    """A server that stopped has hung up; one that is there has nothing to say unasked.

    Looked up at the socket, before each use: a question to the server would be a trip of its own.
    Raises `DisconnectionError`, at which the pool makes all its connections anew.
    """
    if connection.closed or has_something_to_read(connection.fileno()):
        raise DisconnectionError


def single_use_engine(url: str) -> Engine:
    """For a job that is done once: keeps no connection."""
    engine = create_engine(driver_url(url), poolclass=NullPool, **_common("READ COMMITTED"))
    event.listen(engine, "connect", set_session)
    return engine


def is_encrypted(connection: AnyConnection) -> bool:
    """Whether what goes through this connection is under TLS."""
    return bool(driver_of(connection).pgconn.ssl_in_use)


def driver_url(url: str) -> URL:
    """`url` with the installed driver named: `postgresql://…` alone would mean psycopg2."""
    given = make_url(url)
    return given.set(drivername=DRIVER) if given.drivername in _WITHOUT_DRIVER else given


def _common(isolation: str) -> dict[str, Any]:
    return {
        "isolation_level": isolation,
        "hide_parameters": True,
        "connect_args": {
            "connect_timeout": CONNECT_SECONDS,
            "prepare_threshold": None,
            "client_encoding": "utf8",
        },
    }


_TYPES: Mapping[type, str] = {
    BigInteger: "int8",
    DateTime: "timestamptz",
    HALFVEC: "bytea",  # `_halfvec` makes what the column's type reads
    LargeBinary: "bytea",
    Text: "text",
    Uuid: "uuid",
}

_IS_DISTRIBUTED = text(
    "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'templates'::regclass)"
)
"""Citus' own catalog, which is there with its extension only."""

_HAS_CITUS = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")

_Row = list[Any]


class _Halfvec(bytes):
    """As pgvector's `halfvec_recv` reads it."""


class _HalfvecDumper(Dumper):
    """Names no type, so that the server takes the column's."""

    format = Format.BINARY

    def dump(self, obj: _Halfvec) -> bytes:
        return bytes(obj)


def insert_rows(connection: SqlConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """`rows` by column name, all with the same ones. Raises psycopg's errors.

    Never by COPY where there is Citus: on a connection that has read the shard before, its rows are
    no part of the two-phase commit (Citus 14.0), so that a transaction reports success and nobody is
    stored. What a worker refuses there arrives as XX000, too, instead of its own code.
    """
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    write = [_written(column) for column in columns]
    values = [
        [one(row[column.name]) for one, column in zip(write, columns, strict=True)] for row in rows
    ]
    if len(values) == 1 or has_citus(connection):
        _insert(connection, table, columns, values)
    else:
        _copy(connection, table, columns, values)


def _insert(
    connection: SqlConnection, table: Table, columns: Sequence[Column[Any]], rows: Sequence[_Row]
) -> None:
    statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(table.name), _names(columns), SQL(", ").join(Placeholder() * len(columns))
    )
    with driver_of(connection).cursor() as cursor:
        cursor.adapters.register_dumper(_Halfvec, _HalfvecDumper)
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
        else:
            cursor.executemany(statement, rows)


def _copy(
    connection: SqlConnection, table: Table, columns: Sequence[Column[Any]], rows: Sequence[_Row]
) -> None:
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        Identifier(table.name), _names(columns)
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_TYPES[type(column.type)] for column in columns])
        for row in rows:
            copy.write_row(row)


def _names(columns: Sequence[Column[Any]]) -> Composed:
    return SQL(", ").join(Identifier(column.name) for column in columns)


def _written(column: Column[Any]) -> Callable[[Any], Any]:
    return _halfvec if isinstance(column.type, HALFVEC) else _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _halfvec(values: NDArray[np.float32]) -> _Halfvec:
    """Two 16-bit numbers, size and zero, then the halves."""
    size = len(values).to_bytes(2, "big")
    return _Halfvec(size + bytes(2) + values.astype(">f2").tobytes())


def has_citus(connection: SqlConnection) -> bool:
    """Whether this database has the extension, whatever was done with it."""
    return bool(connection.scalar(_HAS_CITUS))


def is_distributed(connection: SqlConnection) -> bool:
    """Whether people are spread over several servers. Asked anew each time: whoever spreads the tables
    may do so while this runs.
    """
    return has_citus(connection) and bool(connection.scalar(_IS_DISTRIBUTED))


def require_one_server(connection: SqlConnection, what: str, instead: str) -> None:
    """`what` is not safe where people are spread; `instead`: what to do. Raises
    `DatabaseDistributed`.
    """
    if is_distributed(connection):
        raise DatabaseDistributed(what=what, instead=instead)


SETTINGS: Mapping[str, str] = {
    "DateStyle": "ISO, MDY",  # the driver reads no time of day with an offset in another style
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}
"""Each is reported by the server when it connects, and followed by PgBouncer."""


def set_session(connection: Connection[Any], *_: object) -> None:
    """For SQLAlchemy's event `connect`. Costs a trip only where something is otherwise.

    By libpq itself, since the driver would begin a transaction for it. Raises psycopg's
    `OperationalError`.
    """
    reported = connection.pgconn.parameter_status
    wrong = [name for name, value in SETTINGS.items() if reported(name.encode()) != value.encode()]
    if not wrong:
        return
    statements = "; ".join(f"SET {name} = '{SETTINGS[name]}'" for name in wrong)
    result = connection.pgconn.exec_(statements.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise OperationalError(result.error_message.decode(errors="replace"))
