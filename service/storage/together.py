"""Several statements in one trip to the server.

What a call costs is, beside the inference, its trips: each wakes a process there and a thread here.
PostgreSQL takes statements that are sent as one text one after the other, each with a snapshot of
its own, so that the second sees what was committed while the first waited for a lock.

Values are bound here, by libpq's own rules of quoting: only single statements can have them bound
by the server. The driver is called without SQLAlchemy, whose part in a statement is the larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from psycopg import ClientCursor
from psycopg.rows import DictRow, dict_row
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from service.storage.engine import AnyConnection, driver_of, take_unsent

Rows: TypeAlias = list[DictRow]

_CURSOR = "face_cursor"

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def written(*statements: ClauseElement) -> str:
    """`statements` as one text. Their `bindparam`s stay open, by name; constants are none."""
    return "; ".join(str(one.compile(dialect=_DIALECT)) for one in statements)


def run(
    connection: AnyConnection, text: str, values: Mapping[str, object] | None = None
) -> Sequence[Rows]:
    """The rows of each statement of `text`, as the driver gives them. Raises psycopg's errors.

    What was left for later with `send_later` goes first, in the same trip.
    """
    first = take_unsent(connection)
    cursor = _cursor(connection)
    cursor.execute("; ".join((*first, text)).encode(), values)
    cursor.set_result(len(first))
    # Not `description`, which makes an object of each column to tell that there are some.
    return [
        cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
        for _ in cursor.results()
    ]


def _cursor(connection: AnyConnection) -> ClientCursor[DictRow]:
    """One for each connection of the pool: a new one copies all that the driver can convert."""
    kept: Any = connection.info.get(_CURSOR)
    if kept is None:
        kept = ClientCursor(driver_of(connection), row_factory=dict_row)
        connection.info[_CURSOR] = kept
    cursor: ClientCursor[DictRow] = kept
    return cursor
