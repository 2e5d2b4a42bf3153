"""Which collections, data keys and API keys there are: a list that the end of the audit log vouches for.

The rows themselves decide much (which key opens, which threshold lets in, who may call), and somebody
who writes to the database could change them, or put back what was destroyed. So each has a keyed hash
in this list, and the sealed head of the audit log holds the list's digest: an older list fits to an
older head only, and an older head to an audit log that was cut off.

What binds the row of an enrolled person: their terms, their templates, and the audit record of the
last change.

    seal = HMAC(key, collection, subject, enrolled, expires, what else is kept, templates, last change)

The audit log tells which change of a person was the last. So a row that was put back, be it an older
one of a person who is enrolled or one of a person who was deleted, is told by the log: its change is
not the last one. The key is the audit log's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from service.domain.audit import Action
from service.domain.callers import ApiKey
from service.domain.chain import Keyed, encoded, moment
from service.domain.collection import Collection, Subject
from service.domain.errors import AuditTampered

_COLLECTION, _API_KEY = b"face/v1/collection-record", b"face/v1/api-key-record"

_DIGEST_BYTES = 32
_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Registry:
    """`digests`: the keyed hash of each record, by the record's name."""

    digests: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """As it is stored: name and digest of each record, in the order of their names."""
        return b"".join(
            len(name.encode()).to_bytes(_LENGTH_BYTES, "big") + name.encode() + digest
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
        start = at + _LENGTH_BYTES
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
    chosen = [
        {name: float(cosine) for name, cosine in settings.thresholds.items()},
        settings.duplicate_policy.value,
        settings.duplicate_profile,
        settings.retention_days,
    ]
    return keyed(
        encoded(
            _COLLECTION,
            collection.collection_id.bytes,
            collection.name.encode(),
            None if collection.model_id is None else collection.model_id.encode(),
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

ENROLLING = (Action.ENROLL, Action.ADD, Action.REPLACE)
"""After which a person is enrolled."""

CHANGES = (*ENROLLING, Action.ERASE, Action.CONSENT_WITHDRAWN, Action.EXPIRE)
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
