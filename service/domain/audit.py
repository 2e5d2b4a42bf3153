"""What is recorded of a call, in the transaction that carries it out."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered, in its threads and tasks; None on the command line. Not an
argument: the id takes no part in any decision, and every layer would have to hand it on.
"""


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
    MODEL_MOVE = "model_move"
    MODEL_MOVE_CANCEL = "model_move_cancel"
    MODEL_MOVE_FINISH = "model_move_finish"
    MOVE = "move"
    """A person has a template of the next model from now on."""
    LIVENESS_START = "liveness_start"
    LIVENESS_FRAMES = "liveness_frames"
    """Only where it is refused."""
    LIVENESS_VERDICT = "liveness_verdict"
    """Its outcome is the verdict, and the record of what was decided by it follows."""
    TEMPLATE_RETIRE = "template_retire"
    """A person's template of a model that is not the collection's any more went."""
    DUPLICATE_RESOLVE = "duplicate_resolve"
    """Its outcome is the decision; two records, one about each of the two."""
    RENAME = "rename"
    """Nobody has this id from now on. The record behind it, `rename_to`, is about the same person."""
    RENAME_TO = "rename_to"
    """Somebody has this id from now on: the one whom the record before is about."""
    MERGE_FROM = "merge_from"
    """Nobody has this id from now on. The record behind it, `merge`, is about the person they were found to be."""
    MERGE = "merge"
    """A person has from now on what was the other's as well whom the record before is about."""
    MERGE_FORCED = "merge_forced"
    """The same, though nobody looked whether they are one."""


CONTINUED = (Action.RENAME_TO, Action.MERGE, Action.MERGE_FORCED)
"""The record before one of these is about the same person, under the id that nobody has any more. Both are
written in one transaction, and the chain holds them together."""


class Outcome(StrEnum):
    """How a call ended that was not refused; of a refused one it is the error's code."""

    DONE = "done"
    MATCH = "match"
    NO_MATCH = "no_match"


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
    request_id: str | None = field(default_factory=REQUEST_ID.get)


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
