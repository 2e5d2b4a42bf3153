"""Where the audit log's chain ends, and the registry that this end vouches for.

What is read of collections and API keys is held against the registry, and what is written is entered
in it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from sqlalchemy import bindparam, exists, func, insert, or_, select, text, update

from service.domain import chain
from service.domain.chain import (
    AUDIT_KEY,
    EMPTY,
    AuditHead,
    Keyed,
    Registry,
    SealedHead,
    read_registry,
)
from service.domain.collection import WrappedKey
from service.domain.errors import AuditTampered, MasterKeyMissing, RecordTampered
from service.storage.queries import AnyConnection, Query, compiled, run
from service.storage.tables import (
    api_keys,
    audit,
    audit_head,
    collections,
    idempotent_responses,
    registry,
    subjects,
    templates,
)
from service.vault.vault import Vault

_ONE_AT_A_TIME = compiled(text("SELECT pg_advisory_xact_lock(:key)"))
_BEGINNING = 0x66616365_61756474
"""Of several workers that start at once one begins the chain; "faceaudt" in ASCII."""

_PREFIX = "head_"

_COLUMNS = tuple(column.label(_PREFIX + column.name) for column in audit_head.columns)

HEAD_COLUMNS = (
    *_COLUMNS,
    exists().where(audit.c.sequence > audit_head.c.sequence).label(f"{_PREFIX}outrun"),
)
"""To be read in the same statement as what the head vouches for: both are of one moment then. The
last tells whether the log goes on behind it, so that an older head was put back.
"""

_HEAD = compiled(select(*_COLUMNS))
_HEAD_LOCKED = compiled(select(*HEAD_COLUMNS).select_from(audit_head).with_for_update())

_FIRST_TO_BE_WRITTEN = (collections, subjects, templates, idempotent_responses, api_keys, audit)

_SOMETHING = compiled(
    select(or_(*(exists().select_from(table) for table in _FIRST_TO_BE_WRITTEN)).label("something"))
)

_NOW = compiled(select(func.now().label("now")))

_MAKE = compiled(
    insert(audit_head).values({each: bindparam(each.name) for each in audit_head.columns})
)
_MAKE_REGISTRY = compiled(
    insert(registry).values({each: bindparam(each.name) for each in registry.columns})
)


class AuditHeadRow:
    """Reads, locks and begins it. `vault`: made when it is first needed."""

    def __init__(self, connection: AnyConnection, vault: Callable[[], Vault] | None) -> None:
        self._connection = connection
        self._vault = vault
        self._keyed: Keyed | None = None

    def locked(self) -> SealedHead:
        """The end of the chain as it is once nobody else can move it.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        stored = self._locked()
        if stored is None:
            self.require_begun()
            stored = self._locked()
        if stored is None or not stored.is_genuine(self.keyed(stored)):
            raise AuditTampered
        return stored

    def _locked(self) -> SealedHead | None:
        [rows] = run(self._connection, Query(_HEAD_LOCKED))
        return vouching_head(rows[0]) if rows else None

    def require_begun(self) -> None:
        """Begins the chain, in an empty database only. Raises `AuditTampered` in any other.

        Of several who begin at once the first makes the head, and the others find it.
        """
        if stored_head(self._connection) is not None:
            return
        run(self._connection, Query(_ONE_AT_A_TIME, {"key": _BEGINNING}))
        if stored_head(self._connection) is None:
            self._make()

    def begun(self) -> Keyed:
        """The key of the chain, which is begun where it is not yet. Raises as `require_begun`."""
        if self._keyed is not None:
            return self._keyed
        stored = stored_head(self._connection)
        if stored is None:
            self.require_begun()
            stored = stored_head(self._connection)
        if stored is None:
            raise AuditTampered
        return self.keyed(stored)

    def _make(self) -> None:
        if holds_anything(self._connection):
            raise AuditTampered
        key = self._require_vault().new_key(AUDIT_KEY)
        keyed = self._require_vault().unlock(AUDIT_KEY, key).chain
        [[row]] = run(self._connection, Query(_NOW))
        head = chain.begin(row["now"], EMPTY.digest)
        row = {
            "single": True,
            "begun_at": head.begun_at,
            "key_id": key.key_id,
            "wrapped_key": key.wrapped,
            "content": EMPTY.content,
            **moved_columns(head, keyed),
        }
        run(self._connection, Query(_MAKE, row), Query(_MAKE_REGISTRY, row))

    def keyed(self, stored: SealedHead) -> Keyed:
        """Raises `MasterKeyInvalid`, `MasterKeyMissing`."""
        self._keyed = self._require_vault().unlock(AUDIT_KEY, stored.key).chain
        return self._keyed

    def _require_vault(self) -> Vault:
        if self._vault is None:
            raise MasterKeyMissing
        return self._vault()


def stored_head(connection: AnyConnection) -> SealedHead | None:
    """As it is stored, proved or not."""
    [rows] = run(connection, Query(_HEAD))
    return _head(rows[0]) if rows else None


def vouching_head(row: Mapping[str, Any]) -> SealedHead:
    """From `HEAD_COLUMNS`; its seal is still to be looked at. Raises `AuditTampered` where there was
    none to join, or the log goes on behind it.
    """
    if row["head_single"] is None or row["head_outrun"]:
        raise AuditTampered
    return _head(row)


def _head(row: Mapping[str, Any]) -> SealedHead:
    head = AuditHead(
        row["head_sequence"], row["head_digest"], row["head_begun_at"], row["head_registry"]
    )
    return SealedHead(
        head, row["head_seal"], WrappedKey(row["head_key_id"], row["head_wrapped_key"])
    )


def moved_columns(head: AuditHead, keyed: Keyed) -> dict[str, Any]:
    return {
        "sequence": head.sequence,
        "digest": head.digest,
        "registry": head.registry,
        "seal": chain.seal(head, keyed),
    }


def holds_anything(connection: AnyConnection) -> bool:
    """Whether the service has ever written anything here."""
    [[row]] = run(connection, Query(_SOMETHING))
    return bool(row["something"])


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
Proof = Callable[[Keyed], tuple[str, bytes]]
"""A record's name, and its digest as it should have been entered."""


class ProvedState:
    """What this process has proved so far: shared by all its transactions.

    `highest`: the largest number of the audit log that was seen. A database whose log is shorter has
    been put back to an older state while this process ran.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        """For who changes the two below."""

        self.highest = 0
        self.registries: OrderedDict[bytes, Registry] = OrderedDict()

    def keep(self, proved: Registry, digest: bytes) -> None:
        with self.lock:
            self.registries[digest] = proved
            while len(self.registries) > KEPT:
                self.registries.popitem(last=False)


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

    def proves(self, stored: SealedHead, highest: int, proof: Proof) -> bool:
        """Whether a record is as it was entered. False: the registry has changed since it was read,
        so that it must be read again.

        `stored`: the head, read in the same statement as the record. Raises `RecordTampered`,
        `AuditTampered`, `MasterKeyInvalid`.
        """
        keyed = self._require_genuine(stored, highest)
        record, digest = proof(keyed)
        digest_now = stored.head.registry
        known = self._proved.registries.get(digest_now) or self._read(digest_now, highest)
        if record in self.changes:
            entered = self.changes[record]
        elif known is None:
            return False
        else:
            entered = known.digests.get(record)
        if entered != digest:
            logger.error("record_tampered: %s is not as it was written", record)
            raise RecordTampered
        return True

    def _require_genuine(self, stored: SealedHead, highest: int) -> Keyed:
        keyed = self._head.keyed(stored)
        if not stored.is_genuine(keyed) or stored.head.sequence < highest:
            raise AuditTampered
        with self._proved.lock:
            self._proved.highest = max(self._proved.highest, stored.head.sequence)
        return keyed

    def _read(self, digest: bytes, highest: int) -> Registry | None:
        """None where it is another one by now."""
        [rows] = run(self._connection, Query(_CONTENT))
        if not rows:
            raise AuditTampered
        stored = vouching_head(rows[0])
        self._require_genuine(stored, highest)
        head = stored.head
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
