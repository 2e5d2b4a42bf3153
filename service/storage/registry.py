"""The registry in the database: what is read is held against it, what is written is entered in it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from sqlalchemy import bindparam, select, update

from service.domain.chain import AuditHead, Keyed, SealedHead
from service.domain.errors import AuditTampered, RecordTampered
from service.domain.registry import Registry, read_registry
from service.storage.audit_head import HEAD_COLUMNS, AuditHeadRow, vouching_head
from service.storage.engine import AnyConnection
from service.storage.pipeline import Query, compiled, run
from service.storage.tables import audit_head, registry

logger = logging.getLogger(__name__)

KEPT = 4
"""Registries that a process remembers: the present one, and those that calls under way began with."""

_CONTENT = compiled(
    select(registry.c.content, *HEAD_COLUMNS).select_from(
        registry.join(audit_head, audit_head.c.single)
    )
)
_CONTENT_ALONE = compiled(select(registry.c.content))
_SET_CONTENT = compiled(update(registry).values(content=bindparam("content")))

Digest = Callable[[Keyed], bytes]


class ProvedState:
    """What this process has proved so far: shared by all its transactions.

    `highest`: the largest number of the audit log that was seen. A database whose log is shorter has
    been put back to an older state while this process ran.
    """

    def __init__(self) -> None:
        self.highest = 0
        self._kept: OrderedDict[bytes, Registry] = OrderedDict()
        self._lock = Lock()

    def saw(self, sequence: int) -> None:
        with self._lock:
            self.highest = max(self.highest, sequence)

    def registry(self, digest: bytes) -> Registry | None:
        return self._kept.get(digest)

    def keep(self, proved: Registry, digest: bytes) -> None:
        with self._lock:
            self._kept[digest] = proved
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


class RegistryRow:
    """Of one transaction. `changes`: what it enters, by record; None: taken out."""

    def __init__(self, connection: AnyConnection, head: AuditHeadRow, proved: ProvedState) -> None:
        self._connection = connection
        self._head = head
        self._proved = proved
        self.changes: dict[str, bytes | None] = {}

    @property
    def highest(self) -> int:
        """To be asked for before what `proves` looks at is read."""
        return self._proved.highest

    def proves(self, stored: SealedHead, highest: int, record: str, digest: Digest) -> bool:
        """Whether a record is as it was entered. False: the registry has changed since it was read,
        so that it must be read again.

        `stored`: the head, read in the same statement as the record. Raises `RecordTampered`,
        `AuditTampered`, `MasterKeyInvalid`.
        """
        head, keyed = self._genuine(stored, highest)
        if record in self.changes:
            entered = self.changes[record]
        else:
            known = self._proved.registry(head.registry) or self._read(head.registry, highest)
            if known is None:
                return False
            entered = known.digests.get(record)
        if entered != digest(keyed):
            logger.error("record_tampered: %s is not as it was written", record)
            raise RecordTampered
        return True

    def _genuine(self, stored: SealedHead, highest: int) -> tuple[AuditHead, Keyed]:
        keyed = self._head.keyed(stored)
        if not stored.is_genuine(keyed) or stored.head.sequence < highest:
            raise AuditTampered
        self._proved.saw(stored.head.sequence)
        return stored.head, keyed

    def _read(self, digest: bytes, highest: int) -> Registry | None:
        """None where it is another one by now."""
        [rows] = run(self._connection, Query(_CONTENT))
        if not rows:
            raise AuditTampered
        head, _ = self._genuine(vouching_head(rows[0]), highest)
        known = read_registry(rows[0]["content"], head.registry)
        self._proved.keep(known, head.registry)
        return known if head.registry == digest else None

    def enter(self, record: str, digest: Digest) -> None:
        """To be called before the record is written: the first one of all begins the audit log.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        self.changes[record] = digest(self._head.begun())

    def strike(self, record: str) -> None:
        self.changes[record] = None

    def settle(self, head: AuditHead) -> AuditHead:
        """Writes the changes; `head` as it vouches for them. For whoever has the head's lock.

        Raises `AuditTampered` where the registry is not the one that `head` vouches for.
        """
        if not self.changes:
            return head
        [rows] = run(self._connection, Query(_CONTENT_ALONE))
        if not rows:
            raise AuditTampered
        after = read_registry(rows[0]["content"], head.registry).changed(self.changes)
        run(self._connection, Query(_SET_CONTENT, {"content": after.content}))
        self.changes = {}
        return AuditHead(head.sequence, head.digest, head.begun_at, after.digest)
