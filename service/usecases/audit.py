"""Reading the audit log, and finding out whether it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from service.domain.audit import AuditQuery, AuditRecord
from service.domain.chain import AUDIT_KEY
from service.domain.chain_check import Checkpoint, Verdict, check
from service.domain.errors import InvalidRequest
from service.domain.messages import FieldProblem
from service.domain.ports import AuditSnapshots, Gallery, Transaction, Vault
from service.usecases.people import require_collection


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. `next_cursor`: the number that the next page starts below; None on the last."""

    records: Sequence[AuditRecord]
    next_cursor: int | None


class ListAudit:
    """`vault`: made when somebody asks about a person; an auditor without the master key reads
    everything else.
    """

    def __init__(self, gallery: Gallery, vault: Callable[[], Vault]) -> None:
        self._gallery = gallery
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
        with self._gallery.transaction() as tx:
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
        names = self._vault().unlock_names(collection.collection_id, collection.keys)
        return names.pseudonym(subject_id)


class VerifyAudit:
    def __init__(self, snapshots: AuditSnapshots, vault: Vault) -> None:
        self._snapshots = snapshots
        self._vault = vault

    def __call__(self, expected: Checkpoint | None = None) -> Verdict:
        """Reads every record. `expected`: a checkpoint noted earlier, which must still hold.

        Raises `MasterKeyInvalid` where the audit's key was wrapped under another master key, or
        was altered.
        """
        with self._snapshots.audit_snapshot() as (stored, records):
            keyed = self._vault.unlock(AUDIT_KEY, stored.key).chain if stored else None
            return check(stored, records, keyed, expected)
