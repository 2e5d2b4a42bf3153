"""The tables as whoever holds the database sees and changes them."""

from __future__ import annotations

from sqlalchemy import text

from service.storage.engine import single_use_engine
from service.storage.tables import metadata

_ABOUT_CALLS = {"audit", "audit_head", "rate_counters"}
"""What is written of a call that was refused: that there was one."""

_NAMES = tuple(table.name for table in metadata.sorted_tables if table.name not in _ABOUT_CALLS)


class Tables:
    def __init__(self, url: str) -> None:
        self._engine = single_use_engine(url)

    def change(self, statement: str, **values: object) -> None:
        """The statement must touch a row, or the test would prove nothing."""
        with self._engine.begin() as connection:
            assert connection.execute(text(statement), values).rowcount > 0

    def run(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement))

    def outside_transactions(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(statement))

    def counts(self) -> dict[str, int]:
        """Rows of each table that a refused call must leave alone."""
        with self._engine.connect() as connection:
            return {
                name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in _NAMES
            }

    def close(self) -> None:
        self._engine.dispose()
