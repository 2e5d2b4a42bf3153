"""What the server, the database and the role must be like before there are tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnsuitable

OLDEST_POSTGRESQL = 15
OLDEST_PGVECTOR = (0, 8)
"""halfvec came with 0.7; 0.8 is the oldest version that this service is tested with."""

ENCODING = "UTF8"
"""In SQL_ASCII the server takes any bytes for text, and the driver gives bytes back."""

_FACTS = text("""
    SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
           current_database() AS database, current_user AS role,
           EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS available,
           e.extversion AS pgvector, n.nspname AS schema,
           n.nspname = ANY (current_schemas(true)) AS visible
    FROM (SELECT) AS one
    LEFT JOIN pg_extension AS e ON e.extname = 'vector'
    LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
""")


def require_suitable(connection: Connection) -> None:
    """Raises `DatabaseUnsuitable`, whose diagnosis says what is missing and who can mend it."""
    facts = connection.execute(_FACTS).one()
    _require_server(facts)
    _require_pgvector(facts)


def make_suitable(connection: Connection) -> None:
    """As `require_suitable`; creates pgvector where it is installed and this role may do so."""
    facts = connection.execute(_FACTS).one()
    _require_server(facts)
    if facts.pgvector is None and facts.available:
        _create_pgvector(connection, facts)
    require_suitable(connection)


def _create_pgvector(connection: Connection, facts: Row[Any]) -> None:
    try:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":  # insufficient_privilege
            raise
        cause, values = Cause.EXTENSION_MISSING, {"database": facts.database, "role": facts.role}
        raise DatabaseUnsuitable().because(cause, **values) from None


def _require_server(facts: Row[Any]) -> None:
    if _numbers(facts.version, 1) < (OLDEST_POSTGRESQL,):
        cause, needed = Cause.POSTGRESQL_TOO_OLD, OLDEST_POSTGRESQL
        raise DatabaseUnsuitable().because(cause, version=facts.version, needed=needed)
    if facts.encoding != ENCODING:
        raise DatabaseUnsuitable().because(Cause.ENCODING_NOT_UTF8, encoding=facts.encoding)


def _require_pgvector(facts: Row[Any]) -> None:
    if facts.pgvector is None:
        if facts.available:
            return  # `face migrate` creates it
        raise DatabaseUnsuitable().because(Cause.EXTENSION_UNAVAILABLE)
    if _numbers(facts.pgvector, 2) < OLDEST_PGVECTOR:
        cause, needed = Cause.EXTENSION_TOO_OLD, _dotted(OLDEST_PGVECTOR)
        raise DatabaseUnsuitable().because(cause, version=facts.pgvector, needed=needed)
    if not facts.visible:
        cause = Cause.EXTENSION_ELSEWHERE
        raise DatabaseUnsuitable().because(cause, schema=facts.schema, role=facts.role)


def _numbers(version: str, count: int) -> tuple[int, ...]:
    """The first `count` numbers of `18.1 (Debian …)` or `0.8.2`; a beta's `19beta1` is 19."""
    parts = version.split()[0].split(".")[:count]
    return tuple(int("".join(filter(str.isdigit, part.split("beta")[0]))) for part in parts)


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))
