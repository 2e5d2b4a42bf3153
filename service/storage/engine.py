"""How PostgreSQL is reached: the driver, the pool, the waiting times; and how queries go there past
SQLAlchemy, several in one trip.

Nothing is kept in a session and nothing is prepared on the server, so that PgBouncer may sit in
between and hand each transaction another connection.

What a call costs is, beside the inference, its trips: each wakes a process there and a thread here. In
the driver's pipeline mode PostgreSQL takes one query after the other, each with a snapshot of its own,
so that the second sees what was committed while the first waited for a lock. Where one fails, those
behind it are not run.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from psycopg import Connection, Cursor, OperationalError
from psycopg.pq import ExecStatus
from psycopg.rows import DictRow, dict_row
from sqlalchemy import ClauseElement, Engine, create_engine, event
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool, PoolProxiedConnection

AnyConnection: TypeAlias = SqlConnection | PoolProxiedConnection
"""SQLAlchemy's, or only what its pool gives out, where no statement goes through SQLAlchemy."""

POOL_SIZE: Final = 20
"""Connections of a process, of PostgreSQL's usual 100. Made when first needed and kept: making one
costs more than a whole verification's statements.
"""

POOL_SECONDS = 10
"""How long a call waits for a connection before it is told that there is too much to do."""

CONNECT_SECONDS = 5
"""How long reaching the server may take."""

DRIVER = "postgresql+psycopg"
"""The only one that is installed, and the only database that has pgvector."""

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
    event.listen(engine, "checkout", _require_quiet)
    return engine


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


def driver_of(connection: AnyConnection) -> Connection[Any]:
    """What SQLAlchemy's connection goes through; its errors are psycopg's own."""
    pooled = connection.connection if isinstance(connection, SqlConnection) else connection
    return cast("Connection[Any]", pooled.driver_connection)


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


Rows: TypeAlias = list[DictRow]

_DIALECT = make_url(f"{DRIVER}://").get_dialect()()


@dataclass(frozen=True, slots=True)
class Query:
    """`text`: one statement, its parameters as `%(name)s`; several only without parameters, and run alone."""

    text: bytes
    values: Mapping[str, object] = field(default_factory=dict, repr=False)


def compiled(statement: ClauseElement) -> bytes:
    """`statement` as text. Its `bindparam`s stay open, by name; constants are none."""
    return str(statement.compile(dialect=_DIALECT)).encode()


def run(connection: AnyConnection, *queries: Query) -> list[Rows]:
    """The rows of each query, as the driver gives them. Raises psycopg's errors."""
    driver = driver_of(connection)
    if len(queries) == 1:
        return [_rows(_execute(driver, queries[0]))]
    with driver.pipeline():
        cursors = [_execute(driver, query) for query in queries]
    # Read behind the pipeline's end: to ask in it would make a trip of each query.
    return [_rows(cursor) for cursor in cursors]


def _execute(driver: Connection[Any], query: Query) -> Cursor[DictRow]:
    return driver.cursor(row_factory=dict_row).execute(query.text, query.values or None)


def _rows(cursor: Cursor[DictRow]) -> Rows:
    # Not `description`, which makes an object of each column to tell that there are some.
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


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


if sys.platform == "win32":

    def has_something_to_read(socket: int) -> bool:
        """Bytes, or the end of them. `socket`: its number."""
        return bool(select.select([socket], [], [], 0)[0])

else:

    def has_something_to_read(socket: int) -> bool:
        """Bytes, or the end of them. `socket`: its number. Not `select`, which ends at 1,023."""
        waiting = select.poll()
        waiting.register(socket, select.POLLIN)
        return bool(waiting.poll(0))
