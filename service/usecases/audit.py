"""The audit log is read page by page, and as a whole to find out whether it is what was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.domain.audit import AuditQuery, AuditRecord
from service.domain.chain import AUDIT_KEY, AuditHead, Keyed, collection_record
from service.domain.errors import (
    FieldProblem,
    InvalidRequest,
)
from service.domain.integrity import (
    Checkpoint,
    Finding,
    LogVerdict,
    RecordFlaw,
    check,
    check_flagged_duplicates,
    check_people,
    check_registry,
    check_search_rows,
)
from service.usecases.unlocked_collection import require_collection

if TYPE_CHECKING:
    from service.storage.audit_log import AuditSnapshot
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


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
        pseudonyms = self._vault().unlock_pseudonyms(collection.collection_id, collection.keys)
        return pseudonyms.pseudonym(subject_id)


@dataclass(frozen=True, slots=True)
class Verified:
    """`findings`: what is beside the log and is not as the log says; not looked at where the log
    itself is broken, since nothing vouches for anything then.
    """

    log: LogVerdict
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
            *check_flagged_duplicates(existing, stored.flagged_duplicates),
        ]
