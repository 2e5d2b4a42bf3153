"""Whether people's rows are as the service wrote them last."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from service.domain.chain import Keyed
from service.domain.collection import Collection, Subject
from service.domain.errors import RecordTampered
from service.domain.subject_seal import CHANGES, subject_seal
from service.gallery.audit_head import PostgresAuditHead
from service.gallery.connecting import AnyConnection
from service.gallery.together import run

logger = logging.getLogger(__name__)

_IS_LAST = """
    SELECT audit_id FROM audit
    WHERE audit_id = ANY(%(changes)s) AND audit_id = (
        SELECT later.audit_id FROM audit AS later
        WHERE later.subject = audit.subject AND later.outcome = 'done'
            AND later.action = ANY(%(actions)s)
        ORDER BY later.sequence DESC LIMIT 1
    )
"""
"""Of the audit log alone, which is on one server: where Citus spreads people, a join with them would
send the log to all servers."""

_ACTIONS = [action.value for action in CHANGES]


class PostgresSubjectProof:
    """Of one transaction."""

    def __init__(self, connection: AnyConnection, head: PostgresAuditHead) -> None:
        self._connection = connection
        self._head = head

    def seal(self, collection: Collection, subject: Subject) -> bytes:
        return subject_seal(collection.collection_id, subject, self._keyed)

    def require(self, collection: Collection, found: Sequence[tuple[Subject, bytes]]) -> None:
        """`found`: rows with their seals. Raises `RecordTampered` for any that is not genuine."""
        if len(self.genuine(collection, found)) < len(found):
            raise RecordTampered

    def genuine(
        self, collection: Collection, found: Sequence[tuple[Subject, bytes]]
    ) -> list[Subject]:
        """Those rows that are; the others are the operator's business, and at once."""
        if not found:
            return []
        last = self._last(subject.change for subject, _ in found)
        proved = [
            subject
            for subject, seal in found
            if seal == self.seal(collection, subject)
            and (subject.change is None or subject.change in last)
        ]
        if altered := len(found) - len(proved):
            where = collection.collection_id
            logger.error("record_tampered: %s people's rows in collection %s", altered, where)
        return proved

    def _last(self, changes: Iterable[UUID | None]) -> set[UUID]:
        """Those of `changes` that no later one of the same person followed."""
        asked = [change for change in changes if change is not None]
        if not asked:
            return set()
        [rows] = run(self._connection, _IS_LAST, {"changes": asked, "actions": _ACTIONS})
        return {row["audit_id"] for row in rows}

    @property
    def _keyed(self) -> Keyed:
        return self._head.begun()
