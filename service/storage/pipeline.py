"""Several queries in one trip to the server, by the driver's pipeline mode.

What a call costs is, beside the inference, its trips: each wakes a process there and a thread here.
In a pipeline PostgreSQL takes one query after the other, each with a snapshot of its own, so that the
second sees what was committed while the first waited for a lock. Where one fails, those behind it are
not run.

The server binds the values. The driver is called without SQLAlchemy, which writes the text once: its
part in a query is the larger one, and it does not know that a result comes later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row
from sqlalchemy import ClauseElement
from sqlalchemy.engine import make_url

from service.storage.engine import DRIVER, AnyConnection, driver_of

Rows: TypeAlias = list[DictRow]

_DIALECT = make_url(f"{DRIVER}://").get_dialect()()


@dataclass(frozen=True, slots=True)
class Query:
    """`text`: one statement, its parameters as `%(name)s`."""

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
