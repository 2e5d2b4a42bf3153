"""What the server, the database and the role must be like, asked before it matters.

Before there are tables: PostgreSQL, its encoding, pgvector (`require_suitable`). Before serving: whether
this role may write now, asked without writing (`require_write_access`). For `face doctor`: what a
connection has reached (`server_facts`). And the settings that Citus needs, where it spreads tables over
several servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Error
from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.exc import DBAPIError

from service.domain.causes import Cause
from service.domain.errors import (
    DatabaseDistributed,
    DatabaseReadOnly,
    DatabaseRightMissing,
    DatabaseStandby,
    DatabaseUnsuitable,
)
from service.storage.engine import is_distributed, is_encrypted
from service.storage.queries import driver_of
from service.storage.tables import metadata

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


_STATE = text("""
    SELECT pg_is_in_recovery() AS standby,
           current_setting('transaction_read_only') = 'on' AS read_only,
           has_table_privilege(to_regclass('alembic_version'), 'SELECT') IS NOT FALSE AS revision,
           (SELECT min(name) FROM unnest(:tables) AS name
            WHERE NOT has_table_privilege(to_regclass(name), 'INSERT')) AS closed
""").bindparams(bindparam("tables", sorted(metadata.tables), ARRAY(TEXT)))
"""A table that is not there counts as open: that is the migration's to tell. The service adds rows
to every table of its own, so one that takes none from this role is one right too few.
"""


def require_write_access(connection: Connection) -> None:
    """Raises `DatabaseStandby`, `DatabaseReadOnly` or `DatabaseRightMissing`. One statement.

    `default_transaction_read_only` of the server, the database or the role shows in a transaction
    of its own, so `connection` must not be inside a longer one.
    """
    state = connection.execute(_STATE).one()
    if state.standby:  # before the setting, which a standby has switched on as well
        raise DatabaseStandby
    if state.read_only:
        raise DatabaseReadOnly
    if not state.revision:
        raise DatabaseRightMissing(right="SELECT", table="alembic_version")
    if state.closed is not None:
        raise DatabaseRightMissing(right="INSERT", table=state.closed)


_VERSION = text("SELECT split_part(current_setting('server_version'), ' ', 1)")
_REVISION = text("SELECT version_num FROM alembic_version")
_IS_MIGRATED = text("SELECT to_regclass('alembic_version') IS NOT NULL")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`host`: a name, an address or the folder of a socket. `encrypted`: by TLS, as libpq says. `revision`:
    None where the database was never migrated.
    """

    host: str
    port: int
    database: str
    role: str
    version: str
    encrypted: bool
    revision: str | None


def revision_of(connection: Connection) -> str | None:
    """What Alembic has noted; None in a database that was never migrated."""
    if not connection.scalar(_IS_MIGRATED):
        return None
    revision: str | None = connection.scalar(_REVISION)
    return revision


def server_facts(connection: Connection) -> ServerFacts:
    """Of the database behind `connection`. Raises psycopg's errors."""
    driver = driver_of(connection)
    return ServerFacts(
        host=driver.info.host,
        port=driver.info.port,
        database=driver.info.dbname,
        role=driver.info.user,
        version=connection.execute(_VERSION).scalar_one(),
        encrypted=is_encrypted(connection),
        revision=revision_of(connection),
    )


SEARCH_MEMORY = ("FACE_SEARCH_MEMORY", "FACE_SEARCH_MEMORY=0")
"""What is not safe, and what to do."""

_MODE = "citus.multi_shard_modify_mode"
_GET_MODE = text("SELECT current_setting(:name, true), current_database()").bindparams(name=_MODE)
_SEQUENTIAL = "sequential"

_INTERNAL_ERROR = "XX000"
_LOST_WORKER = (
    "could not commit transaction for shard",
    "server closed the connection unexpectedly",
    "connection to the remote node",
)


def require_citus_settings(connection: Connection, *, search_memory: bool) -> None:
    """Where people are spread: those that the service works with. Raises `DatabaseDistributed`.

    In another mode than "sequential" Citus lets no transaction look at all shards and then write to
    a reference table that they refer to, as deleting a collection does.
    """
    if not is_distributed(connection):
        return
    if search_memory:
        what, instead = SEARCH_MEMORY
        raise DatabaseDistributed(what=what, instead=instead)
    mode, database = connection.execute(_GET_MODE).one()
    if mode != _SEQUENTIAL:
        instead = f"ALTER DATABASE {database} SET {_MODE} TO '{_SEQUENTIAL}'"
        raise DatabaseDistributed(what=f"{_MODE}={mode}", instead=instead)


def lost_a_worker(error: Error) -> bool:
    """A worker that went away at the commit has no code of its own. Nothing was committed."""
    said = error.diag.message_primary or ""
    return error.sqlstate == _INTERNAL_ERROR and any(words in said for words in _LOST_WORKER)
