"""Whether this role may write to this database now, asked without writing."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from service.domain.errors import DatabaseReadOnly, DatabaseRightMissing, DatabaseStandby
from service.gallery.tables import metadata

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
