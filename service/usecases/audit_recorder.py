"""Every record of the audit log is made here: of changes, of decisions, and of refusals.

A change or a decision is recorded in the transaction that carries it out, a refusal in one of its
own, since the refused call's was rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from uuid import UUID, uuid4

from service.domain.audit import AuditEntry, Outcome
from service.domain.collection import Collection
from service.domain.errors import FaceError, NotAllowed, OperationFailed, RateLimited, Unavailable

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

_NO_REFUSALS = (Unavailable, OperationFailed, NotAllowed)
"""The service could not look at the call (`RateLimited` apart: there it would not, as for a subject
who is locked); or HTTP records the call itself, by method and route, since it is not allowed."""


@dataclass(frozen=True, slots=True)
class AuditedCall:
    """A call, as far as it is recorded. `action`: an `Action`, or method and route."""

    caller: str
    action: str
    collection: str | None = None
    subject_id: str | None = None


class AuditRecorder:
    """`decisions`: whether verifications and searches that were answered are recorded; refusals
    always are. `vault`: asked for when a person has to be named.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Callable[[], Vault],
        clock: Callable[[], datetime],
        *,
        decisions: bool = True,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._decisions = decisions

    def record(
        self,
        tx: Transaction,
        action: str,
        caller: str,
        collection: Collection | str | None = None,
        subject_id: str | None = None,
        *,
        outcome: str = Outcome.DONE,
        audit_id: UUID | None = None,
        at: datetime | None = None,
    ) -> AuditEntry:
        """Adds a record to the log, at the end of this transaction.

        `collection`: its name alone where it does not exist, so that nobody in it can be named.
        `audit_id`, `at`: where what is recorded carries them as well; a new id, and now, if not.
        """
        pseudonym = name = None
        if isinstance(collection, str):
            name = collection
        elif collection is not None:
            name = collection.name
            pseudonym = self._pseudonym(collection, subject_id)
        entry = AuditEntry(
            audit_id or uuid4(), at or self._clock(), caller, action, name, pseudonym, outcome
        )
        tx.audit.append(entry)
        return entry

    def record_decision(
        self, tx: Transaction, call: AuditedCall, collection: Collection, *, match: bool
    ) -> None:
        """`collection`: the call's."""
        if self._decisions:
            outcome = Outcome.MATCH if match else Outcome.NO_MATCH
            whose = collection, call.subject_id
            self.record(tx, call.action, call.caller, *whose, outcome=outcome)

    def record_refusal(self, call: AuditedCall, error: FaceError) -> None:
        """Raises what transactions raise; whoever is refused then is told that instead."""
        name = call.collection
        with self._storage.transaction() as tx:
            collection = tx.collections.find_with_keys_locked(name) if name else None
            whose = collection or name, call.subject_id
            self.record(tx, call.action, call.caller, *whose, outcome=error.code)

    def _pseudonym(self, collection: Collection, subject_id: str | None) -> bytes | None:
        if subject_id is None:
            return None
        keys = self._vault().unlock_pseudonyms(collection.collection_id, collection.keys)
        return keys.pseudonym(subject_id)


def audit_refusals(
    use_case: Callable[Asked, Answer],
    call_of: Callable[Asked, AuditedCall],
    audit: AuditRecorder,
) -> Callable[Asked, Answer]:
    """The use case, with its refusals recorded. `call_of`: what to record of a call, from the use
    case's own arguments.

    It raises what the use case raises; what recording raises, where that fails.
    """

    def audited(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        try:
            return use_case(*args, **kwargs)
        except FaceError as error:
            if isinstance(error, RateLimited) or not isinstance(error, _NO_REFUSALS):
                audit.record_refusal(call_of(*args, **kwargs), error)
            raise

    return audited
