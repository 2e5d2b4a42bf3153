"""Queries that go past SQLAlchemy: one by itself, or several in one trip to the server.

What a call costs is, beside the inference, its trips: each wakes a process there and a thread here. In
libpq's pipeline mode PostgreSQL takes one query after the other, each with a snapshot of its own, so that
the second sees what was committed while the first waited for a lock. Where one fails, those behind it are
not run.

By libpq itself, as the driver offers it: the driver's own pipeline sends each query by itself, and looks at
the socket two or three times for it. Each look lets go of Python's lock and waits for it again.
"""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias, cast

from psycopg import Connection, NotSupportedError, OperationalError, abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import dict_row
from sqlalchemy import ClauseElement
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.engine import make_url
from sqlalchemy.pool import PoolProxiedConnection

DRIVER: Final = "postgresql+psycopg"
"""The only one that is installed, and the only database that has pgvector."""

AnyConnection: TypeAlias = SqlConnection | PoolProxiedConnection
"""SQLAlchemy's, or only what its pool gives out, where no statement goes through SQLAlchemy."""

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[Row]

_DIALECT = make_url(f"{DRIVER}://").get_dialect()()


@dataclass(frozen=True, slots=True)
class Query:
    """`text`: one statement, its parameters as `%(name)s`; several only without parameters, and run alone.

    `prepared`: on the server, where that is possible; several statements are not.
    """

    text: bytes
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    prepared: bool = True


def compiled(statement: ClauseElement) -> bytes:
    """`statement` as text. Its `bindparam`s stay open, by name; constants are none."""
    return str(statement.compile(dialect=_DIALECT)).encode()


PREPARED: Final = "prepared"
"""Where what is prepared on a connection is kept, in SQLAlchemy's `info` of it; nothing stands there where
nothing may be.
"""

MOST_PREPARED: Final = 200
"""Of a connection: as many as the service has texts, with numbers of several sizes."""

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_COPYING = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)
"""What libpq answers again and again until somebody copies."""

Key: TypeAlias = tuple[bytes, tuple[int, ...]]
"""A text and the types of its values."""

Prepared: TypeAlias = dict[Key, bytes]
"""Under which names."""

_PARAMETER = re.compile(rb"%(?:%|\((\w+)\)s)")
"""Or a percent sign, which is written twice."""


def driver_of(connection: AnyConnection) -> Connection[Any]:
    """What SQLAlchemy's connection goes through; its errors are psycopg's own."""
    pooled = connection.connection if isinstance(connection, SqlConnection) else connection
    return cast("Connection[Any]", pooled.driver_connection)


def run(connection: AnyConnection, *queries: Query) -> list[Rows]:
    """The rows of each query, by column name. All are prepared before the first one runs, where they are.

    Raises psycopg's errors.
    """
    driver = driver_of(connection)
    if not driver.autocommit:  # it begins a transaction at the first query that it sees
        return [_through_driver(driver, query) for query in queries]
    prepared, adapt = connection.info.get(PREPARED), Transformer(driver)
    calls = [_call(driver, adapt, prepared, query) for query in queries]
    try:
        answers = [_alone(driver, calls[0])] if len(calls) == 1 else _in_one_trip(driver, calls)
        return [_rows(adapt, answer) for answer in answers]
    # A column is of another type than when a statement was prepared, or the server forgot what was.
    except (FeatureNotSupported, InvalidSqlStatementName):
        driver.close()  # and with it all that is prepared
        raise


def _through_driver(driver: Connection[Any], query: Query) -> Rows:
    with driver.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query.text, query.values or None)
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class _Call:
    """A query as libpq takes it. `name`: under which it is prepared; None: it is not. `constant`: of no
    values, and not to be prepared, so that it may be several statements; their rows come as text.
    """

    text: bytes
    values: Sequence[Any]
    types: Sequence[int]
    formats: Sequence[Format]
    name: bytes | None
    constant: bool

    def send(self, pgconn: PGconn, *, alone: bool = False) -> None:
        """`alone`: not in a pipeline, which takes one statement at a time."""
        values, formats = self.values, self.formats
        if self.name is not None:
            pgconn.send_query_prepared(self.name, values, formats, Format.BINARY)
        elif alone and self.constant:
            pgconn.send_query(self.text)
        else:
            pgconn.send_query_params(self.text, values, self.types, formats, Format.BINARY)


def _call(
    driver: Connection[Any], adapt: abc.Transformer, prepared: Prepared | None, query: Query
) -> _Call:
    """`prepared`: None where nothing may be. What is not yet is prepared now, a trip each."""
    text, names = _numbered(query.text) if query.values else (query.text, ())
    values = adapt.dump_sequence(
        [query.values[name] for name in names], [PyFormat.AUTO] * len(names)
    )
    types, name = adapt.types or (), None
    if query.prepared and prepared is not None:
        name = _prepared(driver, prepared, (text, types))
    constant = not (query.prepared or query.values)
    return _Call(text, values, types, adapt.formats or (), name, constant)


def _prepared(driver: Connection[Any], prepared: Prepared, key: Key) -> bytes | None:
    """The name under which it is; None where too many are."""
    if key not in prepared and len(prepared) < MOST_PREPARED:
        name = b"face_%d" % len(prepared)
        _require_done(_answered(driver, partial(driver.pgconn.send_prepare, name, *key)))
        prepared[key] = name
    return prepared.get(key)


@lru_cache(MOST_PREPARED)
def _numbered(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    """`text` with its parameters as `$1`, and their names in this order."""
    names = list(dict.fromkeys(filter(None, _PARAMETER.findall(text))))

    def number(found: re.Match[bytes]) -> bytes:
        return b"$%d" % (names.index(found[1]) + 1) if found[1] else b"%"

    return _PARAMETER.sub(number, text), tuple(name.decode() for name in names)


def _alone(driver: Connection[Any], call: _Call) -> PGresult:
    return _answered(driver, lambda: call.send(driver.pgconn, alone=True))


def _answered(driver: Connection[Any], send: Callable[[], None]) -> PGresult:
    """Of several answers the first that failed: a server that hangs up says why before the line breaks,
    and libpq itself would give its last one.
    """
    try:
        send()
        answers = list(_answers(driver.pgconn, until_sync=False))
    except BaseException:
        driver.close()
        raise
    return next((answer for answer in answers if answer.status not in _DONE), answers[-1])


def _in_one_trip(driver: Connection[Any], calls: Sequence[_Call]) -> list[PGresult]:
    """As many as `calls`. Behind one that failed stand answers which say that they were not run."""
    pgconn = driver.pgconn
    try:
        pgconn.enter_pipeline_mode()
        for call in calls:
            call.send(pgconn)
        pgconn.pipeline_sync()
        answers = list(_answers(pgconn, until_sync=True))
        if pgconn.status != ConnStatus.BAD:  # there is no way out of it, and what failed tells more
            pgconn.exit_pipeline_mode()
    except BaseException:
        driver.close()  # nobody else can tell which answers belong to whom
        raise
    return answers


def _answers(pgconn: PGconn, *, until_sync: bool) -> Iterator[PGresult]:
    """Those up to the pipeline's end, or of one query; all that came, where the server hung up. Raises
    psycopg's errors.
    """
    failed = False
    while True:
        try:
            answer = _next_answer(pgconn)
        except OperationalError:
            if failed:  # which tells more than that nobody is there any longer
                return
            raise
        if answer is None:
            if until_sync:
                continue
            return
        if answer.status == ExecStatus.PIPELINE_SYNC:
            return
        if answer.status in _COPYING:
            raise NotSupportedError("nothing is copied here")
        failed = failed or answer.status == ExecStatus.FATAL_ERROR
        yield answer


def _next_answer(pgconn: PGconn) -> PGresult | None:
    """None behind the last one of each query.

    Never asked for before it is there: libpq would wait for it with Python's lock in its hands.
    """
    while pgconn.is_busy():
        wait_for(pgconn.socket, to_write=pgconn.flush() != 0)
        pgconn.consume_input()
    answer = pgconn.get_result()
    if answer is None and pgconn.status == ConnStatus.BAD:
        raise OperationalError(pgconn.get_error_message())
    return answer


def _rows(adapt: abc.Transformer, answer: PGresult) -> Rows:
    """Raises psycopg's errors."""
    _require_done(answer)
    if not answer.nfields:
        return []
    names = [(answer.fname(column) or b"").decode() for column in range(answer.nfields)]
    adapt.set_pgresult(answer)
    return adapt.load_rows(0, answer.ntuples, lambda values: dict(zip(names, values, strict=True)))


def _require_done(answer: PGresult) -> None:
    if answer.status in _DONE:
        return
    said_by_server = answer.error_field(DiagnosticField.SQLSTATE) is not None
    if not said_by_server:  # but by libpq: the line broke
        raise OperationalError(answer.get_error_message())
    raise error_from_result(answer)


if sys.platform == "win32":

    def wait_for(socket: int, *, to_write: bool, seconds: float | None = None) -> bool:
        """Until there is something to read, or the end, or room `to_write`. `socket`: its number."""
        ready = select.select([socket], [socket] if to_write else [], [], seconds)
        return any(ready)

else:

    def wait_for(socket: int, *, to_write: bool, seconds: float | None = None) -> bool:
        """Until there is something to read, or the end, or room `to_write`. `socket`: its number.

        Not by `select`, which ends at 1,023.
        """
        waiting = select.poll()
        waiting.register(socket, select.POLLIN | (select.POLLOUT if to_write else 0))
        return bool(waiting.poll(None if seconds is None else seconds * 1000))


def has_something_to_read(socket: int) -> bool:
    """Bytes, or the end of them. `socket`: its number."""
    return wait_for(socket, to_write=False, seconds=0)
