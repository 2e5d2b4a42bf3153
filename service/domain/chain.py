"""The chain of the audit log: each record holds a keyed hash of itself and of the record before.

    digest(n) = HMAC(key, encoding of all columns of record n, and of digest(n - 1))

The key is the audit's own, wrapped by the master key: whoever has only the database can neither
make nor mend a record. The head, one row beside the log, says under a seal of the same key where
the chain ends and where it began; without it a cut-off end would leave a shorter but whole chain.

The head also vouches for the registry. A chain
begins with an empty database only, so that nobody can begin it anew over what is there.

What nobody can prove from the database alone: that it is not an older state of itself, put back as
a whole. Against that stands a checkpoint that was noted elsewhere.

The registry lists which collections, data keys and API keys there are. The rows themselves decide much
(which key opens, which threshold lets in, who may call), and somebody who writes to the database could
change them, or put back what was destroyed. So each has a keyed hash in this list, and the sealed head
holds the list's digest: an older list fits to an older head only, and an older head to an audit log
that was cut off.

The row of an enrolled person is bound to their terms, their templates, and the audit record of the
last change.

    seal = HMAC(key, collection, subject, enrolled, expires, what else is kept, templates, last change)

The audit log tells which change of a person was the last. So a row that was put back, be it an older
one of a person who is enrolled or one of a person who was deleted, is told by the log: its change is
not the last one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

from service.domain.audit import Action, AuditEntry, AuditRecord
from service.domain.callers import ApiKey
from service.domain.collection import Collection, Subject, WrappedKey
from service.domain.errors import AuditTampered

Keyed: TypeAlias = Callable[[bytes], bytes]
"""A keyed hash, 32 bytes: `CollectionKey.chain`."""

AUDIT_KEY = UUID(int=0)
"""In whose name the audit's key is wrapped: no collection's, their ids are random."""

GENESIS = bytes(32)
"""What stands for the digest before the first."""

SEALS_REMEMBERED = 16
"""Of the last heads: a call reads up to three times the one that a call before it wrote. Each time the
seal that was read is held against what it must be, which is computed once."""

_RECORD, _HEAD = b"face/v1/audit-record", b"face/v1/audit-head"
_LENGTH_BYTES = 8
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


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


@lru_cache(maxsize=SEALS_REMEMBERED)
def seal(head: AuditHead, keyed: Keyed) -> bytes:
    """The seal that this head must bear, 32 bytes."""
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
    return _number((at - EPOCH) // MICROSECOND)


_COLLECTION, _API_KEY = b"face/v1/collection-record", b"face/v1/api-key-record"

_DIGEST_BYTES = 32
_NAME_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Registry:
    """`digests`: the keyed hash of each record, by the record's name."""

    digests: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """As it is stored: name and digest of each record, in the order of their names."""
        return b"".join(
            len(name.encode()).to_bytes(_NAME_LENGTH_BYTES, "big") + name.encode() + digest
            for name, digest in sorted(self.digests.items())
        )

    @property
    def digest(self) -> bytes:
        return digest_of_content(self.content)

    def changed(self, changes: Mapping[str, bytes | None]) -> Registry:
        """None: the record is gone."""
        after = {**self.digests, **changes}
        return Registry({name: digest for name, digest in after.items() if digest is not None})


EMPTY = Registry()


def digest_of_content(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def read_registry(content: bytes, expected: bytes) -> Registry:
    """Raises `AuditTampered` unless `expected` is the digest of `content`."""
    if digest_of_content(content) != expected:
        raise AuditTampered
    return Registry(dict(_records(content)))


def _records(content: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(content):
        start = at + _NAME_LENGTH_BYTES
        end = start + int.from_bytes(content[at:start], "big")
        at = end + _DIGEST_BYTES
        yield content[start:end].decode(), content[end:at]


def collection_record(collection: Collection) -> str:
    return f"collection {collection.collection_id}"


def api_key_record(key_id: str) -> str:
    return f"api_key {key_id}"


def collection_proof(collection: Collection, keyed: Keyed) -> tuple[str, bytes]:
    """Under which name it is in the registry, and with which digest."""
    return collection_record(collection), collection_digest(collection, keyed)


def api_key_proof(key: ApiKey, key_id: str, secret_hash: bytes, keyed: Keyed) -> tuple[str, bytes]:
    """As `collection_proof`."""
    return api_key_record(key_id), api_key_digest(key, key_id, secret_hash, keyed)


def collection_digest(collection: Collection, keyed: Keyed) -> bytes:
    """Of everything but the wrapped keys: these authenticate themselves, and a new master key
    wraps them anew.
    """
    settings, keys = collection.settings, collection.keys
    models = (collection.model_id, collection.next_model_id, collection.retiring_model_id)
    chosen = [
        {name: float(cosine) for name, cosine in settings.thresholds.items()},
        settings.duplicate_policy.value,
        settings.duplicate_profile,
        settings.retention_days,
        float(settings.max_false_candidates),
        settings.faces,
        settings.require_liveness.value,
    ]
    return keyed(
        encoded(
            _COLLECTION,
            collection.collection_id.bytes,
            collection.name.encode(),
            *(None if each is None else each.encode() for each in models),
            json.dumps(chosen, sort_keys=True).encode(),
            moment(collection.created_at),
            keys.pseudonyms.key_id.bytes,
            keys.active.key_id.bytes,
            moment(keys.active_since),
            None if keys.retiring is None else keys.retiring.key_id.bytes,
        )
    )


def api_key_digest(key: ApiKey, key_id: str, secret_hash: bytes, keyed: Keyed) -> bytes:
    return keyed(
        encoded(
            _API_KEY,
            key_id.encode(),
            secret_hash,
            key.name.encode(),
            json.dumps([sorted(key.scopes), sorted(key.collections)]).encode(),
            moment(key.created_at),
            None if key.expires_at is None else moment(key.expires_at),
            None if key.revoked_at is None else moment(key.revoked_at),
        )
    )


_SUBJECT = b"face/v1/subject-record"

ENROLLING = (
    Action.ENROLL,
    Action.ADD,
    Action.REPLACE,
    Action.MOVE,
    Action.TEMPLATE_RETIRE,
    Action.RENAME_TO,
    Action.MERGE,
    Action.MERGE_FORCED,
)
"""After which a person is enrolled."""

CHANGES = (
    *ENROLLING,
    Action.ERASE,
    Action.CONSENT_WITHDRAWN,
    Action.EXPIRE,
    Action.RENAME,
    Action.MERGE_FROM,
)
"""What changes who is enrolled, and with which templates, where it is done."""


def subject_seal(collection_id: UUID, subject: Subject, keyed: Keyed) -> bytes:
    """32 bytes."""
    return keyed(
        encoded(
            _SUBJECT,
            collection_id.bytes,
            subject.subject_id.encode(),
            moment(subject.enrolled_at),
            None if subject.expires_at is None else moment(subject.expires_at),
            bytes([subject.metadata is not None, subject.consent is not None]),
            b"".join(sorted(each.bytes for each in subject.template_ids)),
            None if subject.change is None else subject.change.bytes,
        )
    )
