"""The chain of the audit log: each record holds a keyed hash of itself and of the record before.

    digest(n) = HMAC(key, encoding of all columns of record n, and of digest(n - 1))

The key is the audit's own, wrapped by the master key: whoever has only the database can neither
make nor mend a record. The head, one row beside the log, says under a seal of the same key where
the chain ends and where it began; without it a cut-off end would leave a shorter but whole chain.

The head also vouches for the registry (`registry.py`): which collections and keys there are. A chain
begins with an empty database only, so that nobody can begin it anew over what is there.

What nobody can prove from the database alone: that it is not an older state of itself, put back as
a whole. Against that stands a checkpoint that was noted elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from service.domain.audit import AuditEntry, AuditRecord
from service.domain.collection import WrappedKey

Keyed: TypeAlias = Callable[[bytes], bytes]
"""A keyed hash, 32 bytes: `CollectionKey.chain`."""

AUDIT_KEY = UUID(int=0)
"""In whose name the audit's key is wrapped: no collection's, their ids are random."""

GENESIS = bytes(32)
"""What stands for the digest before the first."""

_RECORD, _HEAD = b"face/v1/audit-record", b"face/v1/audit-head"
_LENGTH_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Where the chain ends. `registry`: the digest of the registry as of this moment."""

    sequence: int
    digest: bytes
    begun_at: datetime
    registry: bytes


@dataclass(frozen=True, slots=True)
class SealedHead:
    """The head as it is stored. `key`: the audit's, wrapped."""

    head: AuditHead
    seal: bytes
    key: WrappedKey

    def is_genuine(self, keyed: Keyed) -> bool:
        return self.seal == seal(self.head, keyed)


def begin(at: datetime, registry: bytes) -> AuditHead:
    """The head of a chain without records. `registry`: the digest of an empty one."""
    return AuditHead(0, GENESIS, at, registry)


def link(head: AuditHead, entry: AuditEntry, keyed: Keyed) -> tuple[AuditRecord, AuditHead]:
    """The record of `entry` behind `head`, and the head thereafter."""
    sequence = head.sequence + 1
    digest = digest_of(entry, sequence, head.digest, keyed)
    record = AuditRecord(sequence, entry, head.digest, digest)
    return record, replace(head, sequence=sequence, digest=digest)


def digest_of(entry: AuditEntry, sequence: int, previous: bytes, keyed: Keyed) -> bytes:
    return keyed(
        encoded(
            _RECORD,
            _number(sequence),
            previous,
            entry.audit_id.bytes,
            moment(entry.at),
            entry.caller.encode(),
            entry.action.encode(),
            None if entry.collection is None else entry.collection.encode(),
            entry.subject,
            entry.outcome.encode(),
            None if entry.request_id is None else entry.request_id.encode(),
        )
    )


def seal(head: AuditHead, keyed: Keyed) -> bytes:
    begun, number = moment(head.begun_at), _number(head.sequence)
    return keyed(encoded(_HEAD, number, head.digest, begun, head.registry))


def encoded(*parts: bytes | None) -> bytes:
    """`parts` as one, so that no two lists of parts read the same: each with its length before
    it, and nothing told from empty.
    """
    return b"".join(
        b"\x00" if part is None else b"\x01" + len(part).to_bytes(_LENGTH_BYTES, "big") + part
        for part in parts
    )


def _number(value: int) -> bytes:
    return str(value).encode()


def moment(at: datetime) -> bytes:
    """Microseconds, as PostgreSQL keeps them, wherever the clock stood."""
    return _number((at - _EPOCH) // _MICROSECOND)
