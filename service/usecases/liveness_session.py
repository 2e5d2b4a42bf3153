"""What every call about a liveness session does: it is for somebody, it is opened, and it is sealed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from service.domain.callers import Caller
from service.domain.errors import LivenessExpired, LivenessUsed
from service.domain.liveness_session import Binding, Purpose, SessionProgress, SessionRow
from service.usecases.liveness_progress import as_bytes, progress_of
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

_PURPOSE_OF_THE_SEAL = "liveness"


@dataclass(frozen=True, slots=True)
class LivenessRequest:
    """What a session is begun for, and used for. `subject_id`: whom it is about; None for a search, which is about nobody."""

    purpose: Purpose
    collection: str
    caller: Caller
    subject_id: str | None = None


def binding_of(unlocked: UnlockedCollection, request: LivenessRequest) -> Binding:
    """What a session of this request is bound to. `unlocked`: whose pseudonyms name the person."""
    subject = None
    if request.subject_id is not None:
        subject = unlocked.pseudonyms.pseudonym(request.subject_id)
    return Binding(request.caller.name, request.purpose, request.collection, subject)


def unlocked_collection(tx: Transaction, row: SessionRow, vault: Vault) -> UnlockedCollection:
    """The session's. Raises `CollectionNotFound`."""
    return UnlockedCollection.unlock(require_collection(tx, row.binding.collection), vault)


def unsealed(unlocked: UnlockedCollection, row: SessionRow) -> SessionProgress:
    """Raises `LivenessUsed`; `LivenessExpired`, also where its key was rotated away meanwhile; `TemplateTampered`."""
    if not unlocked.may_open(row.content):
        raise LivenessExpired
    record = str(row.session_id)
    return progress_of(unlocked.open_note("", _PURPOSE_OF_THE_SEAL, record, row.content))


def sealed(unlocked: UnlockedCollection, session_id: UUID, progress: SessionProgress) -> bytes:
    return unlocked.seal_note("", _PURPOSE_OF_THE_SEAL, str(session_id), as_bytes(progress))


def require_found(row: SessionRow | None) -> SessionRow:
    """Raises `LivenessExpired`: whether somebody else has such a session is not told."""
    if row is None:
        raise LivenessExpired
    return row


def why_changed(tx: Transaction, row: SessionRow) -> LivenessUsed | LivenessExpired:
    """Of a session that is not as it was read: its time is over, or another call was faster."""
    found = tx.liveness_sessions.find(row.session_id, row.binding.caller)
    is_over = found is None or (found.is_expired and not found.is_ended)
    return LivenessExpired() if is_over else LivenessUsed()
