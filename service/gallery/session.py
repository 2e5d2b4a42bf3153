"""What a session must be set to, whatever the server, the database or the role says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.pq import ExecStatus

SETTINGS: Mapping[str, str] = {
    "DateStyle": "ISO, MDY",  # the driver reads no time of day with an offset in another style
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}
"""Each is reported by the server when it connects, and followed by PgBouncer."""


def set_session(connection: Connection[Any], *_: object) -> None:
    """For SQLAlchemy's event `connect`. Costs a trip only where something is otherwise.

    By libpq itself, since the driver would begin a transaction for it. Raises psycopg's
    `OperationalError`.
    """
    reported = connection.pgconn.parameter_status
    wrong = [name for name, value in SETTINGS.items() if reported(name.encode()) != value.encode()]
    if not wrong:
        return
    statements = "; ".join(f"SET {name} = '{SETTINGS[name]}'" for name in wrong)
    result = connection.pgconn.exec_(statements.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise OperationalError(result.error_message.decode(errors="replace"))
