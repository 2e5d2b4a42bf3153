"""The log of changes. Rows are added in the transaction that makes the change, never altered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from service.domain.audit import Action, AuditEntry
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

    def about(self, subject: bytes, since: datetime) -> list[AuditEntry]:
        query = (
            select(audit)
            .where(audit.c.subject == subject, audit.c.at >= since)
            .order_by(audit.c.sequence)
        )
        return [
            AuditEntry(
                row["audit_id"],
                row["at"],
                row["caller"],
                Action(row["action"]),
                row["collection"],
                row["subject"],
            )
            for row in self._connection.execute(query).mappings()
        ]
