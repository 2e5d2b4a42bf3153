"""Why the database could not be used, read from what the driver raises.

A statement that failed carries a code. A connection that failed carries none in libpq, only words:
its own, which are English, and after `FATAL:` those of the server, in whatever language it speaks.
What is not known here is passed on as the server said it, where that cannot quote a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TypeAlias

from psycopg import Error, OperationalError, pq
from psycopg.errors import ConnectionTimeout

from service.domain.causes import Cause, Diagnosis
from service.gallery.citus import lost_a_worker

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
        return _said(said) if lost_a_worker(error) else _by_code(error.sqlstate, said)
    return _by_words(error)


def _by_code(code: str, said: str) -> Diagnosis | None:
    if code in _CAUSES:
        return Diagnosis(_CAUSES[code])
    if code == _NO_RIGHT:
        return Diagnosis(Cause.RIGHT_MISSING, {"said": said})
    return _said(said) if code.startswith(_QUOTES_NO_ROW) else None


def _by_words(error: Error) -> Diagnosis | None:
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
