"""A person gets another id, and keeps all else.

What is sealed is bound to the id, so it is sealed anew; an id is part of the rows' keys, so they are written
anew. The log has of the old id that nobody is enrolled under it any more, so that a row put back there is
told, and right behind it of the new id that somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service.domain.audit import Action
from service.domain.collection import Collection, IdempotentResponse, StoredTemplate, Subject
from service.domain.errors import SubjectExists, SubjectNotFound
from service.domain.expiry import is_expired
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.enrollment import reseal_subject
from service.usecases.erase import remove_expired
from service.usecases.flagged_duplicates import carry_flags, flags_of
from service.usecases.idempotency import reseal_answer
from service.usecases.lockouts import Lockout
from service.usecases.subjects import ChangedSubject, details_of
from service.usecases.unlocked_collection import UnlockedCollection, lock_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


def audited_rename(subject_id: str, _to: str, collection_name: str, caller: str) -> AuditedCall:
    return AuditedCall(caller, Action.RENAME, collection_name, subject_id)


class Rename:
    """One transaction under the lock of the collection: at no moment is somebody enrolled under both ids,
    or under neither.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        lockout: Lockout,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._audit = audit
        self._lockout = lockout

    def __call__(
        self, subject_id: str, to: str, collection_name: str, caller: str
    ) -> ChangedSubject:
        """Raises `CollectionNotFound`, `SubjectNotFound`, `SubjectExists`, `TemplateTampered`,
        `ClocksDisagree`.
        """
        with self._storage.transaction(collection_name) as tx:
            unlocked = UnlockedCollection.unlock(lock_collection(tx, collection_name), self._vault)
            collection = unlocked.collection
            subject = lock_enrolled(tx, collection, subject_id, self._clock())
            self._require_free(tx, unlocked, to)
            renamed = replace(reseal_subject(unlocked, subject, to), change=uuid4())
            rows = _move(tx, unlocked, subject, renamed)
            gone, goes_on = (Action.RENAME, subject_id), (Action.RENAME_TO, renamed)
            audit_id = record_departure(tx, self._audit, caller, collection, gone, goes_on)
            locked_until = self._lockout.ends(tx, collection, to)
            details = details_of(unlocked, renamed, rows, locked_until)
        return ChangedSubject(details, audit_id)

    def _require_free(self, tx: Transaction, unlocked: UnlockedCollection, to: str) -> None:
        """Who is expired makes room, as for an enrollment. Raises `SubjectExists`, `ClocksDisagree`."""
        found, now = tx.subjects.find_or_expired(unlocked.collection, to), self._clock()
        if found is None:
            return
        if not is_expired(found, unlocked.collection.settings, now):
            raise SubjectExists
        remove_expired(tx, unlocked, self._audit, now, among=[to])


def _move(
    tx: Transaction, unlocked: UnlockedCollection, subject: Subject, renamed: Subject
) -> list[StoredTemplate]:
    """Returns their templates. Who is locked stays locked: refusals go along."""
    collection, old, new = unlocked.collection, subject.subject_id, renamed.subject_id
    rows = [unlocked.reseal(row, new) for row in tx.templates.of(collection, old)]
    answers = tx.idempotency.of(collection, old)
    refusals = tx.failed_comparisons.of(collection, old)
    flags = flags_of(tx, collection, old)
    tx.subjects.remove(collection, old)
    tx.subjects.add(collection, renamed)
    for caller, each in refusals.items():
        tx.failed_comparisons.put(collection, new, caller, each)
    hand_over(tx, unlocked, answers, old, new)
    carry_flags(tx, collection, flags, renamed, gone=old)
    tx.templates.add_all(collection, rows)  # last: nobody waits for their positions meanwhile
    return rows


def lock_enrolled(
    tx: Transaction, collection: Collection, subject_id: str, now: datetime
) -> Subject:
    """Somebody enrolled whom until the end of the transaction nobody compares, changes or deletes.

    Raises `SubjectNotFound`.
    """
    tx.failed_comparisons.lock_subject(collection, subject_id)
    subject = tx.subjects.find_locked(collection, subject_id)
    if subject is None or is_expired(subject, collection.settings, now):
        raise SubjectNotFound
    return subject


def hand_over(
    tx: Transaction,
    unlocked: UnlockedCollection,
    answers: Sequence[IdempotentResponse],
    old: str,
    new: str,
) -> None:
    """Earlier answers, so that a retry gets its own and enrolls nobody again, and liveness sessions, which
    count for the person they are about.
    """
    collection, pseudonyms = unlocked.collection, unlocked.pseudonyms
    for each in answers:
        tx.idempotency.add(collection, reseal_answer(unlocked, each, new))
    tx.liveness_sessions.hand_over(collection, pseudonyms.pseudonym(old), pseudonyms.pseudonym(new))


def record_departure(
    tx: Transaction,
    audit: AuditRecorder,
    caller: str,
    collection: Collection,
    gone: tuple[Action, str],
    goes_on: tuple[Action, Subject],
) -> UUID:
    """Of the id that nobody has any more, and right behind it of who goes on: so an export finds what was
    written under the old id. Returns the second record's id.
    """
    at = audit.record(tx, gone[0], caller, collection, gone[1]).at
    action, subject = goes_on
    whose = collection, subject.subject_id
    entry = audit.record(tx, action, caller, *whose, audit_id=subject.change, at=at)
    return entry.audit_id
