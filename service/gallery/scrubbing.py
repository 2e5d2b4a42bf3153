"""Make the database's files forget what was deleted.

PostgreSQL marks a deleted row and leaves its bytes where they are: a plain VACUUM only frees the
place for others. VACUUM FULL writes a table and its indexes anew and drops the old files. What
remains is the write-ahead log, which holds every row as it was written: a checkpoint behind a new
segment makes the server give up the old ones, and with `wal_recycle = off` (the embedded server's
setting) unlink them instead of keeping them under new names.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.gallery.connecting import single_use_engine
from service.gallery.failures import translated
from service.gallery.tables import answers, collection_keys, collections, subjects, templates

logger = logging.getLogger(__name__)

TABLES = (answers, templates, subjects, collections, collection_keys)
"""What is about people, and the keys that open it. The audit log holds neither."""

LOCK_MILLISECONDS = 10_000
"""How long to wait for a table; everybody who comes later waits behind us."""

_TERMS = text(
    "SELECT set_config('lock_timeout', :lock, false), set_config('statement_timeout', '0', false)"
).bindparams(lock=str(LOCK_MILLISECONDS))

_INSUFFICIENT_PRIVILEGE = "42501"


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Where old values are gone from for certain.

    `statistics`: samples of columns that the planner keeps. `log`: the write-ahead log; False
    where the role may not, or the server keeps or recycles old segments.
    """

    statistics: bool
    log: bool


def scrub(url: str) -> Scrubbed:
    """Write the tables anew, then make the server drop the log behind them.

    While a table is written, nobody can use it. Raises `DatabaseUnavailable`,
    `DatabaseNotMigrated`, and `Overloaded` where a table stays in use.
    """
    engine = single_use_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with translated(), engine.connect() as connection:
        connection.execute(_TERMS)
        for table in TABLES:
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {table.name}"))
        statistics = _allowed(connection, "VACUUM (FULL) pg_catalog.pg_statistic")
        switched = _allowed(connection, "SELECT pg_switch_wal()", "CHECKPOINT")
        return Scrubbed(statistics, switched and _forgets_its_log(connection))


def _allowed(connection: Connection, *statements: str) -> bool:
    """Whether the role may do all of these; the service's own role need not."""
    try:
        for statement in statements:
            connection.execute(text(statement))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        return False
    return True


_KEPT_LOG = text(
    "SELECT current_setting('wal_recycle') = 'off' AND current_setting('wal_keep_size') = '0'"
    " AND current_setting('archive_mode') = 'off'"
    " AND NOT EXISTS (SELECT FROM pg_replication_slots)"
)


def _forgets_its_log(connection: Connection) -> bool:
    return bool(connection.scalar(_KEPT_LOG))
