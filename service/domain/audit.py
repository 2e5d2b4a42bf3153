"""What is written down about a change, in the transaction that makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Action(StrEnum):
    ENROLL = "enroll"
    ADD = "add"
    REPLACE = "replace"
    ERASE = "erase"
    COLLECTION_SET = "collection_set"
    COLLECTION_ERASE = "collection_erase"
    API_KEY_CREATE = "api_key_create"
    API_KEY_REVOKE = "api_key_revoke"
    KEY_ROTATE = "key_rotate"
    KEY_DESTROY = "key_destroy"
    KEY_REWRAP = "key_rewrap"
    EXPIRE = "expire"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    EXPORT = "export"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`subject`: the person as a keyed hash, so that the log names nobody; None for none."""

    audit_id: UUID
    at: datetime
    caller: str
    action: Action
    collection: str | None = None
    subject: bytes | None = field(default=None, repr=False)
