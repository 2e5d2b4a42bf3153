"""Whether anything was ever kept in a database."""

from __future__ import annotations

from sqlalchemy import Connection, exists, or_, select, text

from service.gallery.connecting import single_use_engine
from service.gallery.failures import translated
from service.gallery.tables import metadata, rate_counters

_IS_THERE = text("SELECT to_regclass(:name) IS NOT NULL")


def holds_rows(url: str) -> bool:
    """In any of the service's tables but that of counted calls; before the migrations it holds none.

    Raises `DatabaseUnavailable`.
    """
    with translated(), single_use_engine(url).connect() as connection:
        kept = [table for table in metadata.sorted_tables if table is not rate_counters]
        there = [table for table in kept if _is_there(connection, table.name)]
        filled = [exists(select(1).select_from(table)) for table in there]
        return bool(filled) and bool(connection.scalar(select(or_(*filled))))


def _is_there(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(_IS_THERE, {"name": name}))
