"""Make the database's files forget what was deleted.

PostgreSQL marks a deleted row and leaves its bytes where they are: a plain VACUUM only frees the
place for others. VACUUM FULL writes a table and its indexes anew and drops the old files. What
remains is the write-ahead log, which holds every row as it was written: a checkpoint behind a new
segment makes the server give up the old ones, and with `wal_recycle = off` (the embedded server's
setting) unlink them instead of keeping them under new names.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.domain.errors import Overloaded
from service.storage.engine import require_one_server, single_use_engine
from service.storage.failures import translated
from service.storage.tables import (
    collection_keys,
    collections,
    failed_comparisons,
    flagged_duplicates,
    idempotent_responses,
    liveness_frames,
    liveness_sessions,
    subjects,
    templates,
)

_WRITTEN_ANEW = (
    idempotent_responses,
    liveness_frames,
    liveness_sessions,
    failed_comparisons,
    flagged_duplicates,
    templates,
    subjects,
    collections,
    collection_keys,
)
TABLES = tuple(table.name for table in _WRITTEN_ANEW)
"""What is about people, and the keys that open it. The audit log holds neither."""

WAIT_SECONDS = 10.0
"""How long to wait for a table, while everybody who comes later waits behind us; and for older
transactions to end."""

_SCRUB = ("face scrub", "docs/deletion.md, docs/citus.md")
"""Log and statistics of the workers would stay as they are, unseen from here."""

_PAUSE_SECONDS = 0.05

_TERMS = text(
    "SELECT set_config('lock_timeout', :lock, false), set_config('statement_timeout', '0', false)"
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_lock(:key)").bindparams(key=0x66616365_73637275)
"""Of the session: VACUUM allows no transaction around it. "facescru" in ASCII."""

_MARK = (
    "DROP TABLE IF EXISTS scrub_mark",
    "CREATE UNLOGGED TABLE scrub_mark (number int)",
    "INSERT INTO scrub_mark VALUES (1)",
    "DELETE FROM scrub_mark",
)

_STATISTICS = "pg_catalog.pg_statistic"
_INSUFFICIENT_PRIVILEGE = "42501"

_KEEPS_NO_LOG = text(
    "SELECT current_setting('wal_recycle') = 'off' AND current_setting('wal_keep_size') = '0'"
    " AND current_setting('archive_mode') = 'off'"
    " AND NOT EXISTS (SELECT FROM pg_replication_slots)"
)


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What holds nothing deleted any more, for certain.

    `tables`: False where the role owns them not, or may make none. `statistics`: samples of columns that the
    planner keeps. `log`: the write-ahead log; False where the role may not, or where the server
    recycles, keeps or archives it.
    """

    tables: bool
    statistics: bool
    log: bool

    @property
    def complete(self) -> bool:
        return self.tables and self.statistics and self.log


def scrub(url: str) -> Scrubbed:
    """Write the tables anew, then make the server drop the log behind them.

    While a table is written, nobody can use it. Raises `DatabaseUnavailable`,
    `DatabaseNotMigrated`, `DatabaseDistributed`, and `Overloaded` where a table stays in use, or where a transaction
    does not end that may still see what was deleted.
    """
    engine = single_use_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with translated(), engine.connect() as connection:
        require_one_server(connection, *_SCRUB)
        connection.execute(_TERMS.bindparams(lock=str(int(WAIT_SECONDS * 1000))))
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(text(f"ANALYZE {', '.join(TABLES)}"))  # its old samples are deleted rows
        alone = _outlives_older_transactions(connection)
        anew = [_written_anew(connection, name) for name in TABLES]
        statistics = _written_anew(connection, _STATISTICS)
        log = _allowed(connection, "SELECT pg_switch_wal()", "CHECKPOINT")
        return Scrubbed(
            alone and all(anew),
            alone and statistics,
            log and bool(connection.scalar(_KEEPS_NO_LOG)),
        )


def _outlives_older_transactions(connection: Connection) -> bool:
    """VACUUM FULL copies a deleted row that anybody may still see. So a row is deleted here, and
    awaited to go: all that were deleted before can go with it. False where the role may make no
    table for that. Raises `Overloaded` where it does not go.
    """
    if not _allowed(connection, *_MARK):
        return False
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while _size_of_mark(connection):
            if time.monotonic() > deadline:
                raise Overloaded
            time.sleep(_PAUSE_SECONDS)
    finally:
        connection.execute(text("DROP TABLE scrub_mark"))
    return True


def _size_of_mark(connection: Connection) -> int:
    connection.execute(text("VACUUM (FULL) scrub_mark"))
    return int(connection.scalar(text("SELECT pg_relation_size('scrub_mark')")) or 0)


def _written_anew(connection: Connection, table: str) -> bool:
    """Whether the table has a new file: of somebody else's, VACUUM says no more than a warning."""
    file = text("SELECT pg_relation_filenode(CAST(:name AS regclass))").bindparams(name=table)
    before = connection.scalar(file)
    connection.execute(text(f"VACUUM (FULL) {table}"))
    return bool(connection.scalar(file) != before)


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
