"""Whether people's rows are as the service wrote them last."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from service.domain.chain import Keyed
from service.domain.collection import Collection, Subject
from service.domain.errors import RecordTampered
from service.domain.registry import CHANGES, subject_seal
from service.storage.audit_head import AuditHeadRow
from service.storage.pipeline import Query, run
from service.storage.suitability import is_distributed

logger = logging.getLogger(__name__)

Stored = tuple[Subject, bytes]
"""A row and its seal."""

READINGS = 5
"""Of rows that somebody else changes meanwhile: each takes a millisecond, and a change some."""

PREPARED_SECONDS = 0.05
"""Between two readings where Citus spreads people: its coordinator's log comes into sight first, the
rows of a worker only then."""

_IS_LAST = b"""
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


class SubjectProof:
    """Of one transaction."""

    def __init__(self, connection: Connection, head: AuditHeadRow) -> None:
        self._connection = connection
        self._head = head

    def seal(self, collection: Collection, subject: Subject) -> bytes:
        return subject_seal(collection.collection_id, subject, self._keyed)

    def settled(self, collection: Collection, read: Callable[[], list[Stored]]) -> list[Stored]:
        """What `read` finds, once all of it is genuine. Raises `RecordTampered`.

        Row and log are read by two statements: of a change that is committed in between the log has the
        end and the row the beginning. Such a row is another one, or gone, when it is read again, since
        both come with one commit; an altered one is the same.
        """
        found = read()
        for _ in range(READINGS):
            others = self._others(collection, found)
            if not others:
                return found
            again = read()
            if any(one in again for one in others):
                if not is_distributed(self._connection):
                    break
                time.sleep(PREPARED_SECONDS)
            found = again
        where = collection.collection_id
        logger.error("record_tampered: people's rows in collection %s", where)
        raise RecordTampered

    def genuine(self, collection: Collection, found: Sequence[Stored]) -> list[Subject]:
        """Those rows that are; the others are the operator's business, and at once."""
        others = self._others(collection, found)
        if others:
            where = collection.collection_id
            logger.error("record_tampered: %s people's rows in collection %s", len(others), where)
        return [stored[0] for stored in found if stored not in others]

    def _others(self, collection: Collection, found: Sequence[Stored]) -> list[Stored]:
        """Those that are not genuine."""
        if not found:
            return []
        last = self._last(subject.change for subject, _ in found)
        return [
            (subject, seal)
            for subject, seal in found
            if seal != self.seal(collection, subject)
            or (subject.change is not None and subject.change not in last)
        ]

    def _last(self, changes: Iterable[UUID | None]) -> set[UUID]:
        """Those of `changes` that no later one of the same person followed."""
        asked = [change for change in changes if change is not None]
        if not asked:
            return set()
        asking = Query(_IS_LAST, {"changes": asked, "actions": _ACTIONS})
        [rows] = run(self._connection, asking)
        return {row["audit_id"] for row in rows}

    @property
    def _keyed(self) -> Keyed:
        return self._head.begun()
