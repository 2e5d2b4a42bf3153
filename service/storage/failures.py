"""From what the driver raises to what a caller can act upon, and why, for the operator.

A statement that failed carries a code. A connection that failed carries none in libpq, only words:
its own, which are English, and after `FATAL:` those of the server, in whatever language it speaks.

PostgreSQL's own words quote the offending row ("Key (subject_id)=(kim) already exists"), so they
are passed on only where they cannot, and never to a caller. Codes:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TypeAlias

from psycopg import DataError, Error, OperationalError, pq
from psycopg.errors import ConnectionTimeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    FaceError,
    Overloaded,
    RecordTampered,
)
from service.storage.suitability import lost_a_worker

_logger = logging.getLogger(__name__)

_OVERLOADED = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "53300",  # too_many_connections
    "55P03",  # lock_not_available: lock_timeout
    "57014",  # query_canceled: statement_timeout
    # Two callers did the same at the same time and this one came second. Made again, its call
    # sees what the first one did, and gets the answer that belongs to that.
    "23503",  # foreign_key_violation
    "23505",  # unique_violation
}
_NOT_MIGRATED = {
    "42P01",  # undefined_table
    "42703",  # undefined_column
    "42704",  # undefined_object: the type halfvec
}
_UNAVAILABLE = {
    "25006",  # read_only_sql_transaction: a replica, as after a failover
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "3D000",  # invalid_catalog_name: no such database
    "42501",  # insufficient_privilege: the role was not granted what docs/roles.md lists
}
_UNAVAILABLE_CLASSES = (
    "08",  # connection exception
    "53",  # insufficient resources: disk_full, out_of_memory
    "57",  # operator intervention: the server stops, starts or recovers
    "58",  # system error: a file that cannot be read or written
)

_CHANGED_COLUMNS = "RevalidateCachedQuery"
"""PostgreSQL's function that refuses a prepared statement whose columns are of another type by now. Its code
(0A000) says no more than that something is not supported."""

_NO_MOMENT = re.compile(r"(?:timestamp|date) too (?:small|large) ")
"""The driver's words for a column that holds `infinity`, or a year that Python does not know. The
service writes none, and no seal can be compared with what cannot be read."""


class QueryFailed(Exception):
    """A fault of ours, or of the server: code, constraint and statement, but no values."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises `Overloaded`, `DatabaseUnavailable`, `DatabaseNotMigrated`, `RecordTampered` or
    `QueryFailed`.
    """
    try:
        yield
    except PoolTimeout:
        raise Overloaded from None
    except DBAPIError as error:
        raise _translation(error.orig, error.statement) from None
    except Error as error:
        raise _translation(error, "what the driver was given itself") from None


def _translation(error: BaseException | None, statement: str | None) -> Exception:
    code = getattr(error, "sqlstate", None)
    diagnosis = diagnosis_of(error)
    failure = _by_code(code) if code else _by_words(error, diagnosis)
    if isinstance(error, Error) and error.diag.source_function == _CHANGED_COLUMNS:
        failure = Overloaded()  # `run` has closed the connection that knew the old one
    if isinstance(error, Error) and lost_a_worker(error):
        failure = DatabaseUnavailable()
    if failure is None:
        return QueryFailed(f"sqlstate {code}, {_constraint(error)}, in: {statement}")
    failure.diagnosis = diagnosis
    cause = diagnosis.cause if diagnosis else type(error).__name__
    _logger.warning("%s: %s, sqlstate %s", failure.code, cause, code)
    return failure


def _by_code(code: str) -> FaceError | None:
    if code in _OVERLOADED:
        return Overloaded()
    if code in _NOT_MIGRATED:
        return DatabaseNotMigrated()
    if code in _UNAVAILABLE or code.startswith(_UNAVAILABLE_CLASSES):
        return DatabaseUnavailable()
    return None


def _by_words(error: BaseException | None, diagnosis: Diagnosis | None) -> FaceError | None:
    """No code: it did not come from a running query, but from connecting, or the line broke."""
    if diagnosis is not None and diagnosis.cause == Cause.TOO_MANY_CONNECTIONS:
        return Overloaded()
    if isinstance(error, DataError) and _NO_MOMENT.match(str(error)):
        return RecordTampered()
    return DatabaseUnavailable() if diagnosis or isinstance(error, OperationalError) else None


def _constraint(error: BaseException | None) -> str:
    return f"constraint {getattr(getattr(error, 'diag', None), 'constraint_name', None)}"


_CAUSES: Mapping[str, Cause] = {
    "25006": Cause.READ_ONLY,  # read_only_sql_transaction
    "25P03": Cause.SESSION_TIMEOUT,  # idle_in_transaction_session_timeout
    "25P04": Cause.SESSION_TIMEOUT,  # transaction_timeout
    "53100": Cause.DISK_FULL,
    "53300": Cause.TOO_MANY_CONNECTIONS,
    "55P03": Cause.LOCK_TIMEOUT,  # lock_not_available
    "57014": Cause.STATEMENT_TIMEOUT,  # query_canceled
    "57P01": Cause.SERVER_STARTING_OR_STOPPING,  # admin_shutdown
    "57P02": Cause.SERVER_STARTING_OR_STOPPING,  # crash_shutdown
    "57P03": Cause.SERVER_STARTING_OR_STOPPING,  # cannot_connect_now
    "57P05": Cause.SESSION_TIMEOUT,  # idle_session_timeout
}

_NO_RIGHT = "42501"
"""insufficient_privilege: the server names the table, schema or database, and no row."""

_QUOTES_NO_ROW = ("08", "3D", "53", "57", "58")
"""Classes of codes whose messages name roles, databases, files and limits only."""

_Made: TypeAlias = Callable[[re.Match[str]], Diagnosis]

_SERVER = re.compile(
    r'connection to server (?:at|on socket) "([^"]+)"(?:[^\n]*?, port (\d+))? failed'
)
_SAID = re.compile(r"\b(?:FATAL|ERROR|PANIC|[^\s:]+): {2}(.+)")
"""The server's own sentence; what stands before it is translated as the sentence is."""

_UNKNOWN_OPTION = re.compile(r'invalid connection option "([^"]+)"')

_NEAREST_OPTION = {"ssl": "sslmode", "sslrequire": "sslmode", "schema": "options"}
"""What other drivers call it, where another spelling would be nearer."""


def diagnosis_of(error: BaseException | None) -> Diagnosis | None:
    """None where nothing can be said that is sure to quote no row."""
    if not isinstance(error, Error):
        return None
    if error.sqlstate:
        said = error.diag.message_primary or ""
        return _said(said) if lost_a_worker(error) else _cause_by_code(error.sqlstate, said)
    return _cause_by_words(error)


def _cause_by_code(code: str, said: str) -> Diagnosis | None:
    if code in _CAUSES:
        return Diagnosis(_CAUSES[code])
    if code == _NO_RIGHT:
        return Diagnosis(Cause.RIGHT_MISSING, {"said": said})
    return _said(said) if code.startswith(_QUOTES_NO_ROW) else None


def _cause_by_words(error: Error) -> Diagnosis | None:
    if isinstance(error, ConnectionTimeout):
        return Diagnosis(Cause.NO_ANSWER)
    text = str(error)
    if not isinstance(error, OperationalError):  # ours, but for an option that libpq does not know
        option = _UNKNOWN_OPTION.search(text)
        return _option(option) if option else None
    for pattern, made in _WORDS:
        if match := pattern.search(text):
            return made(match)
    said = _SAID.search(text)
    return _said(said[1]) if said else Diagnosis(Cause.CONNECTION_LOST)


def _said(words: str) -> Diagnosis:
    return Diagnosis(Cause.SERVER_SAID, {"said": words})


def _plain(cause: Cause, *names: str) -> _Made:
    """What the pattern's groups hold, under `names`."""
    return lambda match: Diagnosis(cause, dict(zip(names, match.groups(), strict=True)))


def _at_server(cause: Cause, *names: str) -> _Made:
    """As `_plain`, with the address that libpq tried."""

    def made(match: re.Match[str]) -> Diagnosis:
        values = dict(zip(names, match.groups(), strict=True))
        return Diagnosis(cause, {"server": _address(match.string), **values})

    return made


def _address(text: str) -> str:
    """`host:port`, or the socket's path."""
    server = _SERVER.search(text)
    if server is None:
        return "?"
    return f"{server[1]}:{server[2]}" if server[2] else server[1]


def _option(match: re.Match[str]) -> Diagnosis:
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    near = _NEAREST_OPTION.get(match[1]) or next(iter(get_close_matches(match[1], known, 1)), "-")
    return Diagnosis(Cause.OPTION_UNKNOWN, {"option": match[1], "nearest": near})


_WORDS: tuple[tuple[re.Pattern[str], _Made], ...] = tuple(
    (re.compile(pattern), made)
    for pattern, made in (
        (r"invalid (\w+) value: ", _plain(Cause.OPTION_INVALID, "option")),
        (r'for connection option "(\w+)"', _plain(Cause.OPTION_INVALID, "option")),
        (r"failed to resolve host '([^']*)'", _plain(Cause.HOST_UNKNOWN, "host")),
        (r'could not translate host name "([^"]*)"', _plain(Cause.HOST_UNKNOWN, "host")),
        (r"does not support SSL, but SSL was required", _at_server(Cause.TLS_REFUSED)),
        (
            r'root certificate file "([^"]+)" does not exist',
            _plain(Cause.AUTHORITY_MISSING, "path"),
        ),
        (r"certificate verify failed|provider signature", _at_server(Cause.CERTIFICATE_REFUSED)),
        (
            r"(server certificate for .+ does not match host name .+)",
            _plain(Cause.CERTIFICATE_OF_ANOTHER_HOST, "reason"),
        ),
        (r"invalid response to SSL negotiation", _at_server(Cause.NOT_POSTGRESQL)),
        (
            r"(?:SSL error: |certificate file |private key file )(.+)",
            _plain(Cause.TLS_FAILED, "reason"),
        ),
        (r"no password supplied", _plain(Cause.PASSWORD_MISSING)),
        (r'password authentication failed for user "(.+)"', _plain(Cause.PASSWORD_WRONG, "role")),
        (r"(no pg_hba\.conf entry .+|pg_hba\.conf rejects .+)", _plain(Cause.NOT_ADMITTED, "said")),
        (r'role "(.+)" (?:does not exist|is not permitted)', _plain(Cause.ROLE_UNKNOWN, "role")),
        (r'database "(.+)" does not exist', _plain(Cause.DATABASE_UNKNOWN, "database")),
        (r"(permission denied for database .+)", _plain(Cause.RIGHT_MISSING, "said")),
        (
            r"too many clients|remaining connection slots|too many connections",
            _plain(Cause.TOO_MANY_CONNECTIONS),
        ),
        (
            r"database system is (?:starting|shutting|not yet|not accepting|in recovery)",
            _plain(Cause.SERVER_STARTING_OR_STOPPING),
        ),
        (r"No space left on device", _plain(Cause.DISK_FULL)),
        (
            r"failed: (?:Connection refused|No such file or directory)",
            _at_server(Cause.PORT_CLOSED),
        ),
        (r"timeout expired", _plain(Cause.NO_ANSWER)),
        (
            r"failed: ((?:Network is|No route|Permission denied|Connection reset)[^\n]*)",
            _at_server(Cause.SERVER_UNREACHABLE, "reason"),
        ),
    )
)
"""The first that fits. Groups are named by what `_plain` or `_at_server` is given."""
