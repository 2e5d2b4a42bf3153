"""The audit log. Records are added in the transaction of what they tell, and never altered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, insert, select, update

from service.domain import chain
from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.collection import WrappedKey
from service.storage.audit_head import AuditHeadRow, RegistryRow, moved_columns
from service.storage.engine import Query, compiled, run
from service.storage.row_insert import insert_rows
from service.storage.tables import audit, audit_head

ROWS_AT_A_TIME = 1000
"""Records held in memory while the whole log is read."""


_INSERT = compiled(insert(audit).values({one: bindparam(one.name) for one in audit.columns}))

_MOVE_HEAD = compiled(
    update(audit_head).values(
        {name: bindparam(name) for name in ("sequence", "digest", "registry", "seal")}
    )
)


class AuditLog:
    """Entries wait for the end of the transaction, when the head's row is locked, its chain
    continued, and the lock given back by the commit. So the lock that all writers share is the
    last one that anybody takes, after a collection's: nobody who holds it waits for another, and
    no two transactions wait for each other. And it is held for two trips to the server only.
    """

    def __init__(self, connection: Connection, head: AuditHeadRow, registry: RegistryRow) -> None:
        self._connection = connection
        self._head = head
        self._registry = registry
        self._waiting: list[AuditEntry] = []

    def append(self, entry: AuditEntry) -> None:
        """Written at the end of the transaction, after everything else in it.

        Its end raises `AuditTampered` where the log's end is not what was written.
        """
        self._waiting.append(entry)

    def keyed_hash(self, content: bytes) -> bytes:
        """32 bytes, by the log's own key: it outlives collections and changes of their keys.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        return self._head.begun()(content)

    def page(self, query: AuditQuery, limit: int, before: int | None) -> list[AuditRecord]:
        """Up to `limit` records, newest first, those with a smaller number than `before`."""
        rows = _matching(query).order_by(audit.c.sequence.desc()).limit(limit)
        if before is not None:
            rows = rows.where(audit.c.sequence < before)
        return [_record(row) for row in self._connection.execute(rows).mappings()]

    def about(self, subject: bytes, since: datetime) -> list[AuditEntry]:
        """What was written about a person, known by the keyed hash, oldest first; in this
        transaction too."""
        query = (
            select(audit)
            .where(audit.c.subject == subject, audit.c.at >= since)
            .order_by(audit.c.sequence)
        )
        written = [_record(row).entry for row in self._connection.execute(query).mappings()]
        waiting = [one for one in self._waiting if one.subject == subject and one.at >= since]
        return written + waiting

    def rewrap(self, rewrapped: Callable[[WrappedKey], WrappedKey]) -> None:
        """Wrap the log's own key anew, after everything that was appended. Comes last: thereafter
        this transaction can write nothing down.

        Raises `AuditTampered`, `MasterKeyInvalid`, and what `rewrapped` raises.
        """
        run(self._connection, *self.last_queries())
        key = rewrapped(self._head.locked().key)
        changed = {"key_id": key.key_id, "wrapped_key": key.wrapped}
        self._connection.execute(update(audit_head).values(changed))

    def last_queries(self) -> list[Query]:
        """Lock the head, and continue the chain by what waits: what is left to write, which lets the
        head vouch for the registry as it is now. Empty where nothing has to be written down.

        They are to go with the COMMIT, in one trip: the head's lock, which all writers share, is held
        for one trip less.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        if not (self._waiting or self._registry.changes):
            return []
        stored = self._head.locked()
        keyed = self._head.keyed(stored)
        head, records = self._registry.settle(stored.head), []
        for entry in self._waiting:
            record, head = chain.link(head, entry, keyed)
            records.append(_columns(record))
        self._waiting = []
        if len(records) > 1:
            insert_rows(self._connection, audit, records[:-1])
        return [
            *(Query(_INSERT, last) for last in records[-1:]),
            Query(_MOVE_HEAD, moved_columns(head, keyed)),
        ]


def all_records(connection: Connection) -> Iterator[AuditRecord]:
    """By number, through a cursor of the server: memory stays what it is."""
    query = select(audit).order_by(audit.c.sequence)
    options = {"yield_per": ROWS_AT_A_TIME}
    yield from map(_record, connection.execute(query, execution_options=options).mappings())


def _matching(query: AuditQuery) -> Select[Any]:
    rows = select(audit)
    for column, value in (
        (audit.c.action, query.action),
        (audit.c.collection, query.collection),
        (audit.c.subject, query.subject),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if query.collections:
        rows = rows.where(audit.c.collection.in_(query.collections))
    if query.since is not None:
        rows = rows.where(audit.c.at >= query.since)
    if query.until is not None:
        rows = rows.where(audit.c.at < query.until)
    return rows


def _record(row: RowMapping) -> AuditRecord:
    entry = AuditEntry(
        audit_id=row["audit_id"],
        at=row["at"],
        caller=row["caller"],
        action=row["action"],
        collection=row["collection"],
        subject=row["subject"],
        outcome=row["outcome"],
        request_id=row["request_id"],
    )
    return AuditRecord(row["sequence"], entry, row["previous"], row["digest"])


def _columns(record: AuditRecord) -> dict[str, Any]:
    entry = record.entry
    return {
        "audit_id": entry.audit_id,
        "sequence": record.sequence,
        "at": entry.at,
        "caller": entry.caller,
        "action": str(entry.action),
        "collection": entry.collection,
        "subject": entry.subject,
        "outcome": str(entry.outcome),
        "request_id": entry.request_id,
        "previous": record.previous,
        "digest": record.digest,
    }
