"""The audit log. Records are added in the transaction of what they tell, and never altered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, text, update

from service.domain import chain
from service.domain.audit import AuditEntry, AuditQuery, AuditRecord
from service.domain.chain import AUDIT_KEY, AuditHead, Keyed, SealedHead
from service.domain.collection import WrappedKey
from service.domain.errors import AuditTampered, MasterKeyMissing
from service.domain.ports import Vault
from service.gallery.row_insert import insert_rows
from service.gallery.tables import audit, audit_head
from service.gallery.together import run, written

ROWS_AT_A_TIME = 1000
"""Records held in memory while the whole log is read."""


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=0x66616365_61756474)
"""Of several workers that start at once one begins the chain; "faceaudt" in ASCII."""


_INSERT_LAST = written(
    insert(audit).values({one: bindparam(one.name) for one in audit.columns}),
    update(audit_head).values({name: bindparam(name) for name in ("sequence", "digest", "seal")}),
)
"""The head moves with the last record: its number and digest are the head's."""

_INSERT_LAST_AND_COMMIT = f"{_INSERT_LAST}; COMMIT"

_HEAD = written(select(audit_head))
_HEAD_LOCKED = written(select(audit_head).with_for_update())


class PostgresAuditLog:
    """Implements `AuditLog`.

    Entries wait for the end of the transaction, when the head's row is locked, its chain
    continued, and the lock given back by the commit. So the lock that all writers share is the
    last one that anybody takes, after a collection's: nobody who holds it waits for another, and
    no two transactions wait for each other. And it is held for two trips to the server only.
    """

    def __init__(self, connection: Connection, vault: Callable[[], Vault] | None) -> None:
        self._connection = connection
        self._vault = vault
        self._waiting: list[AuditEntry] = []

    def append(self, entry: AuditEntry) -> None:
        self._waiting.append(entry)

    def begin(self) -> None:
        """Raises `AuditTampered`, `MasterKeyInvalid`."""
        if stored_head(self._connection) is None:
            self._begin()

    def keyed_hash(self, content: bytes) -> bytes:
        """Raises `AuditTampered`, `MasterKeyInvalid`."""
        self.begin()
        stored = stored_head(self._connection)
        if stored is None:
            raise AuditTampered
        return self._open(stored.key)(content)

    def page(self, query: AuditQuery, limit: int, before: int | None) -> list[AuditRecord]:
        rows = _matching(query).order_by(audit.c.sequence.desc()).limit(limit)
        if before is not None:
            rows = rows.where(audit.c.sequence < before)
        return [_record(row) for row in self._connection.execute(rows).mappings()]

    def about(self, subject: bytes, since: datetime) -> list[AuditEntry]:
        query = (
            select(audit)
            .where(audit.c.subject == subject, audit.c.at >= since)
            .order_by(audit.c.sequence)
        )
        written = [_record(row).entry for row in self._connection.execute(query).mappings()]
        waiting = [one for one in self._waiting if one.subject == subject and one.at >= since]
        return written + waiting

    def rewrap(self, rewrapped: Callable[[WrappedKey], WrappedKey]) -> None:
        """Raises `AuditTampered`, `MasterKeyInvalid`."""
        self.write()
        key = rewrapped(self._locked_head().key)
        changed = {"key_id": key.key_id, "wrapped_key": key.wrapped}
        self._connection.execute(update(audit_head).values(changed))

    def write(self, *, commit: bool = False) -> None:
        """Continue the chain by what waits. Raises `AuditTampered`, `MasterKeyInvalid`.

        `commit`: and end the transaction, in the same trip, if anything waits: the head's lock,
        which all writers share, is held for one trip less.
        """
        if not self._waiting:
            return
        stored = self._locked_head()
        keyed = self._open(stored.key)
        if not stored.is_genuine(keyed):
            raise AuditTampered
        head, rows = stored.head, []
        *first, last = self._waiting
        for entry in first:
            record, head = chain.link(head, entry, keyed)
            rows.append(_columns(record))
        insert_rows(self._connection, audit, rows)
        record, head = chain.link(head, last, keyed)
        moved = {**_columns(record), "seal": chain.seal(head, keyed)}
        run(self._connection, _INSERT_LAST_AND_COMMIT if commit else _INSERT_LAST, moved)
        self._waiting = []

    def _locked_head(self) -> SealedHead:
        """The end of the chain as it is once nobody else can move it."""
        stored = stored_head(self._connection, lock=True)
        if stored is None:
            self._begin()
            stored = stored_head(self._connection, lock=True)
        if stored is None:
            raise AuditTampered
        return stored

    def _begin(self) -> None:
        """Of several who begin at once the first makes the head, and the others find it."""
        self._connection.execute(_ONE_AT_A_TIME)
        if stored_head(self._connection) is None:
            self._make_head()

    def _make_head(self) -> None:
        """Records that have digests have had a head: without it, somebody was at work here."""
        if self._connection.scalar(select(func.count(audit.c.digest))):
            raise AuditTampered
        key = self._require_vault().new_key(AUDIT_KEY)
        keyed = self._open(key)
        now = self._connection.execute(select(func.now())).scalar_one()
        head = chain.begin(all_records(self._connection), now, keyed)
        row = {
            "single": True,
            "begun_at": head.begun_at,
            "begun_after": head.begun_after,
            "key_id": key.key_id,
            "wrapped_key": key.wrapped,
            **_head_columns(head, keyed),
        }
        self._connection.execute(insert(audit_head).values(row))

    def _open(self, key: WrappedKey) -> Keyed:
        return self._require_vault().unlock(AUDIT_KEY, key).chain

    def _require_vault(self) -> Vault:
        if self._vault is None:
            raise MasterKeyMissing
        return self._vault()


def stored_head(connection: Connection, *, lock: bool = False) -> SealedHead | None:
    [rows] = run(connection, _HEAD_LOCKED if lock else _HEAD)
    if not rows:
        return None
    row = rows[0]
    head = AuditHead(row["sequence"], row["digest"], row["begun_at"], row["begun_after"])
    return SealedHead(head, row["seal"], WrappedKey(row["key_id"], row["wrapped_key"]))


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


def _head_columns(head: AuditHead, keyed: Keyed) -> dict[str, Any]:
    return {
        "sequence": head.sequence,
        "digest": head.digest,
        "seal": chain.seal(head, keyed),
    }
