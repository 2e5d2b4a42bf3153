"""Which call is under way: its id, for whoever writes something down about it.

A context variable and not an argument: the id takes no part in any decision, and every layer
between the door and the log would have to hand it on.

What is written down about a call, in the transaction that carries it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request being answered; None on the command line."""
    return _request_id.get()


@contextmanager
def answering(request_id: str) -> Iterator[None]:
    """Inside the block, in its threads and tasks, this request is under way."""
    before = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(before)


class Action(StrEnum):
    ENROLL = "enroll"
    ADD = "add"
    REPLACE = "replace"
    ERASE = "erase"
    COLLECTION_SET = "collection_set"
    COLLECTION_ERASE = "collection_erase"
    API_KEY_CREATE = "api_key_create"
    API_KEY_REVOKE = "api_key_revoke"
    VERIFY = "verify"
    SEARCH = "search"
    KEY_ROTATE = "key_rotate"
    KEY_DESTROY = "key_destroy"
    KEY_REWRAP = "key_rewrap"
    EXPIRE = "expire"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    EXPORT = "export"
    UNLOCK = "unlock"


class Outcome(StrEnum):
    """How a call ended that was not refused; of a refused one it is the error's code."""

    DONE = "done"
    MATCH = "match"
    NO_MATCH = "no_match"

    @classmethod
    def of(cls, match: bool) -> Outcome:
        return cls.MATCH if match else cls.NO_MATCH


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action`: an `Action`, or method and route of a call that was not allowed. `subject`: the
    person as a keyed hash (32 bytes), so that the log names nobody; None for none. `outcome`: an
    `Outcome`, or the code of the error. `request_id`: None for the command line.
    """

    audit_id: UUID
    at: datetime
    caller: str
    action: str
    collection: str | None = None
    subject: bytes | None = field(default=None, repr=False)
    outcome: str = Outcome.DONE
    request_id: str | None = field(default_factory=current_request_id)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry in its place in the log. `previous`, `digest`: 32 bytes each, see `chain.py`."""

    sequence: int
    entry: AuditEntry
    previous: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which records to show; None: any. `collections`: the only ones that may be seen; empty: all.
    `subject`: the keyed hash. `since` is included, `until` is not.
    """

    action: str | None = None
    collection: str | None = None
    collections: frozenset[str] = frozenset()
    subject: bytes | None = field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None
