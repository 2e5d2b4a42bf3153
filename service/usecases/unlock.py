"""A subject that was locked after too many refusals is opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.audit import Action
from service.domain.errors import SubjectNotFound
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.erase import forget_sessions
from service.usecases.subjects import ChangedSubject, details_of
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.vault.vault import Vault


class Unlock:
    """For every key, and records that it was done."""

    def __init__(self, storage: Storage, vault: Vault, audit: AuditRecorder) -> None:
        self._storage = storage
        self._vault = vault
        self._audit = audit

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> ChangedSubject:
        """Forgets the refusals, and the liveness sessions that make a key wait; changes nothing else. A subject
        that is open stays so.

        Raises `CollectionNotFound`, `SubjectNotFound`, `TemplateTampered`.
        """
        with self._storage.transaction(collection_name, subject_id) as tx:
            collection = require_collection(tx, collection_name)
            tx.failed_comparisons.lock_subject(collection, subject_id)
            subject = tx.subjects.find(collection, subject_id)
            if subject is None:
                raise SubjectNotFound
            tx.failed_comparisons.delete(collection, subject_id)
            rows = tx.templates.of(collection, subject_id)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            entry = self._audit.record(tx, Action.UNLOCK, caller, collection, subject_id)
            forget_sessions(tx, collection, entry)
            details = details_of(unlocked, subject, rows, locked_until=None)
        return ChangedSubject(details, entry.audit_id)
