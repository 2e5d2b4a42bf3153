"""Forget a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from service.domain.audit import Action, AuditEntry
from service.domain.errors import SubjectNotFound
from service.domain.ports import Gallery, Vault
from service.usecases.people import lock_collection
from service.usecases.recording import Attempt


@dataclass(frozen=True, slots=True)
class Erasure:
    subject_id: str
    collection: str
    templates_deleted: int
    deleted_at: datetime
    audit_id: UUID


def erasure_attempt(subject_id: str, collection_name: str, caller: str) -> Attempt:
    return Attempt(caller, Action.ERASE, collection_name, subject_id)


def withdrawal_attempt(subject_id: str, collection_name: str, caller: str) -> Attempt:
    return Attempt(caller, Action.CONSENT_WITHDRAWN, collection_name, subject_id)


class Erase:
    """Removes a subject with all that hangs on it, and writes down that it was done."""

    def __init__(self, gallery: Gallery, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock

    def __call__(self, subject_id: str, collection_name: str, caller: str) -> Erasure:
        """Raises `CollectionNotFound`, `SubjectNotFound`."""
        return self._erase(subject_id, collection_name, caller, Action.ERASE)

    def withdraw_consent(self, subject_id: str, collection_name: str, caller: str) -> Erasure:
        """The same, told apart in the log. A person who withdraws is forgotten also where no
        reference to their consent was kept. Raises `CollectionNotFound`, `SubjectNotFound`.
        """
        return self._erase(subject_id, collection_name, caller, Action.CONSENT_WITHDRAWN)

    def _erase(self, subject_id: str, collection_name: str, caller: str, action: Action) -> Erasure:
        audit_id, now = uuid4(), self._clock()
        with self._gallery.transaction(collection_name) as tx:
            collection = lock_collection(tx, collection_name)
            if not tx.subjects.is_stored(collection, subject_id):
                raise SubjectNotFound
            deleted = tx.subjects.delete(collection, subject_id)
            names = self._vault.unlock_names(collection.collection_id, collection.keys)
            pseudonym = names.pseudonym(subject_id)
            tx.audit.append(AuditEntry(audit_id, now, caller, action, collection_name, pseudonym))
        return Erasure(subject_id, collection_name, deleted, now, audit_id)
