"""The log of changes. Rows are added in the transaction that makes the change, never altered."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from service.domain.audit import AuditEntry
from service.gallery.tables import audit


class PostgresAuditLog:
    """Implements `AuditLog`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entry: AuditEntry) -> None:
        row = {
            "audit_id": entry.audit_id,
            "at": entry.at,
            "caller": entry.caller,
            "action": entry.action.value,
            "collection": entry.collection,
            "subject": entry.subject,
        }
        self._connection.execute(insert(audit).values(row))
