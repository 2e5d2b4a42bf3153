"""Citus spreads tables over several servers; some things are safe on one server only.

Asked anew each time instead of remembered: whoever spreads the tables may do so while this runs.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from service.domain.errors import DatabaseDistributed

_HAS_CITUS = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")

_IS_DISTRIBUTED = text(
    "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'templates'::regclass)"
)
"""Citus' own catalog, which is there with its extension only."""


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
