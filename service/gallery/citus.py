"""Citus spreads tables over several servers; some things are safe on one server only.

Looked at anew each time instead of remembered: whoever spreads the tables may do so while this runs.
"""

from __future__ import annotations

from psycopg import Error
from sqlalchemy import Connection, text

from service.domain.errors import DatabaseDistributed

SEARCH_MEMORY = ("FACE_SEARCH_MEMORY", "FACE_SEARCH_MEMORY=0")
"""What is not safe, and what to do."""

_HAS_CITUS = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")

_IS_DISTRIBUTED = text(
    "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'templates'::regclass)"
)
"""Citus' own catalog, which is there with its extension only."""

_MODE = "citus.multi_shard_modify_mode"
_GET_MODE = text("SELECT current_setting(:name, true), current_database()").bindparams(name=_MODE)
_SEQUENTIAL = "sequential"

_INTERNAL_ERROR = "XX000"
_LOST_WORKER = (
    "could not commit transaction for shard",
    "server closed the connection unexpectedly",
    "connection to the remote node",
)


def has_citus(connection: Connection) -> bool:
    """Whether this database has the extension, whatever was done with it."""
    return bool(connection.scalar(_HAS_CITUS))


def is_distributed(connection: Connection) -> bool:
    """Whether people are spread over several servers."""
    return has_citus(connection) and bool(connection.scalar(_IS_DISTRIBUTED))


def require_one_server(connection: Connection, what: str, instead: str) -> None:
    """`what` is not safe where people are spread; `instead`: what to do. Raises
    `DatabaseDistributed`.
    """
    if is_distributed(connection):
        raise DatabaseDistributed(what=what, instead=instead)


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
