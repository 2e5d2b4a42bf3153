"""What is written down about calls that change nothing: decisions, and calls that were refused.

Reading the audit log, and finding out whether it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, ParamSpec, TypeVar
from uuid import uuid4

from service.domain.audit import AuditEntry, AuditQuery, AuditRecord, Outcome
from service.domain.chain import AUDIT_KEY, AuditHead, Keyed
from service.domain.errors import (
    FaceError,
    InvalidRequest,
    Misconfigured,
    NotAllowed,
    RateLimited,
    Unavailable,
)
from service.domain.field_problem import FieldProblem
from service.domain.integrity import (
    Checkpoint,
    Finding,
    RecordFlaw,
    Verdict,
    check,
    check_people,
    check_registry,
    check_search_rows,
)
from service.domain.registry import collection_record
from service.storage.audit_log import AuditSnapshot
from service.storage.storage import Storage
from service.storage.transaction import Transaction
from service.usecases.unlocked_collection import require_collection
from service.vault.vault import PseudonymKey, Vault

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

_NO_REFUSALS = (Unavailable, Misconfigured, NotAllowed)
"""The first two: the service could not look at the call, but where it would not, as for somebody
who is locked (`RateLimited`). Who is not allowed to make a call never
comes as far as a use case, but for folders and vectors; the door writes all of it down."""


@dataclass(frozen=True, slots=True)
class AuditedCall:
    """A call, as far as it is written down. `action`: an `Action`, or method and route."""

    caller: str
    action: str
    collection: str | None = None
    subject_id: str | None = None


class AuditRecorder:
    """Writes attempts into the audit log.

    `decisions`: whether verifications and searches that were answered are among them; refusals
    always are.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        clock: Callable[[], datetime],
        *,
        decisions: bool = True,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._decisions = decisions

    def decided(
        self, tx: Transaction, names: PseudonymKey, attempt: AuditedCall, *, match: bool
    ) -> None:
        """A decision, in the transaction that came to it. `names`: of the attempt's collection."""
        if self._decisions:
            tx.audit.append(self._entry(attempt, names, Outcome.of(match)))

    def refused(self, attempt: AuditedCall, error: FaceError) -> None:
        """A refusal, in a transaction of its own: the refused call's was rolled back.

        Raises what transactions raise; whoever is refused then is told that instead.
        """
        with self._storage.transaction() as tx:
            names = self._names(tx, attempt.collection)
            tx.audit.append(self._entry(attempt, names, error.code))

    def _names(self, tx: Transaction, name: str | None) -> PseudonymKey | None:
        """None for a collection that does not exist: nobody in it could be named."""
        collection = tx.collections.find_with_keys_locked(name) if name else None
        if collection is None:
            return None
        return self._vault.unlock_pseudonyms(collection.collection_id, collection.keys)

    def _entry(self, attempt: AuditedCall, names: PseudonymKey | None, outcome: str) -> AuditEntry:
        subject = names.pseudonym(attempt.subject_id) if names and attempt.subject_id else None
        return AuditEntry(
            audit_id=uuid4(),
            at=self._clock(),
            caller=attempt.caller,
            action=attempt.action,
            collection=attempt.collection,
            subject=subject,
            outcome=outcome,
        )


class Recorded(Generic[Asked, Answer]):
    """A use case whose refusals are written down.

    `attempt`: what to write of a call, from the use case's own arguments.
    """

    def __init__(
        self,
        use_case: Callable[Asked, Answer],
        attempt: Callable[Asked, AuditedCall],
        trail: AuditRecorder,
    ) -> None:
        self._use_case = use_case
        self._attempt = attempt
        self._trail = trail

    def __call__(self, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """Raises what the use case raises; what writing raises, where that fails."""
        try:
            return self._use_case(*args, **kwargs)
        except FaceError as error:
            if isinstance(error, RateLimited) or not isinstance(error, _NO_REFUSALS):
                self._trail.refused(self._attempt(*args, **kwargs), error)
            raise


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. `next_cursor`: the number that the next page starts below; None on the last."""

    records: Sequence[AuditRecord]
    next_cursor: int | None


class ListAudit:
    """`vault`: made when somebody asks about a person; an auditor without the master key reads
    everything else.
    """

    def __init__(self, storage: Storage, vault: Callable[[], Vault]) -> None:
        self._storage = storage
        self._vault = vault

    def __call__(
        self,
        query: AuditQuery,
        limit: int,
        before: int | None = None,
        subject_id: str | None = None,
    ) -> AuditPage:
        """`subject_id`: only what concerns this person, in the query's collection.

        Raises `InvalidRequest` for a person without a collection, `CollectionNotFound`.
        """
        with self._storage.transaction() as tx:
            if subject_id is not None:
                query = replace(query, subject=self._pseudonym(tx, query.collection, subject_id))
            records = tx.audit.page(query, limit + 1, before)
        shown = records[:limit]
        return AuditPage(shown, shown[-1].sequence if len(records) > limit else None)

    def _pseudonym(self, tx: Transaction, collection_name: str | None, subject_id: str) -> bytes:
        """Every collection hashes with its own key."""
        if collection_name is None:
            raise InvalidRequest([{"field": "collection", "problem": FieldProblem.MISSING}])
        collection = require_collection(tx, collection_name)
        names = self._vault().unlock_pseudonyms(collection.collection_id, collection.keys)
        return names.pseudonym(subject_id)


@dataclass(frozen=True, slots=True)
class Verified:
    """`findings`: what is beside the log and is not as the log says; not looked at where the log
    itself is broken, since nothing vouches for anything then.
    """

    log: Verdict
    findings: Sequence[Finding] = ()

    @property
    def whole(self) -> bool:
        return self.log.whole and not self.findings


class VerifyAudit:
    def __init__(self, snapshots: Storage, vault: Vault) -> None:
        self._snapshots = snapshots
        self._vault = vault

    def __call__(self, expected: Checkpoint | None = None) -> Verified:
        """Reads every record. `expected`: a checkpoint noted earlier, which must still hold.

        Raises `MasterKeyInvalid` where the audit's key was wrapped under another master key, or
        was altered.
        """
        with self._snapshots.audit_snapshot() as stored:
            head = stored.head
            keyed = self._vault.unlock(AUDIT_KEY, head.key).chain if head else None
            log = check(head, stored.records, keyed, expected, empty=stored.empty)
            if head is None or keyed is None or not log.whole:
                return Verified(log)
            return Verified(log, self._findings(stored, head.head, keyed))

    def _findings(self, stored: AuditSnapshot, head: AuditHead, keyed: Keyed) -> list[Finding]:
        collections, registry = list(stored.collections), (stored.registry, head.registry)
        records = list(check_registry(*registry, collections, stored.api_keys, keyed))
        forged = {each.record for each in records if each.flaw is RecordFlaw.PUT_BACK}
        existing = [each for each in collections if collection_record(each) not in forged]
        return [
            *records,
            *check_people(existing, stored.people, stored.enrolled),
            *check_search_rows(existing, stored.search_rows),
        ]
