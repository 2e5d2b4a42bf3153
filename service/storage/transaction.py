"""One transaction over all that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection

from service.domain.ports import Telemetry
from service.storage.api_keys import ApiKeyRows
from service.storage.audit_head import AuditHeadRow
from service.storage.audit_log import AuditLog
from service.storage.collections import CollectionRows
from service.storage.expiry import Clock, ServerClock
from service.storage.idempotency import IdempotentResponses
from service.storage.lockouts import FailedComparisons
from service.storage.registry import ProvedState, RegistryRow
from service.storage.sealed_rows import SealedRows
from service.storage.subject_proof import SubjectProof
from service.storage.subjects import SubjectRows
from service.storage.template_rows import RowSequence, SearchRows
from service.storage.templates import TemplateRows
from service.vault.vault import Vault


class Transaction:
    """All of it happens, or nothing does: every repository is on the same connection, and is made
    when it is first asked for.

    `clock`: asked anew by each query, not once at the start: a call that waited for a lock must
    not see somebody whose time ran out meanwhile.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        vault: Callable[[], Vault] | None,
        collection_ids: dict[str, UUID],
        server_clock: ServerClock,
        proved: ProvedState,
        telemetry: Telemetry,
    ) -> None:
        self.connection = connection
        self._clock = clock
        self._collection_ids = collection_ids
        self._server_clock = server_clock
        self._telemetry = telemetry
        self._head = AuditHeadRow(connection, vault)
        self._registry = RegistryRow(connection, self._head, proved)

    @cached_property
    def collections(self) -> CollectionRows:
        return CollectionRows(self.connection, self._registry, self.row_sequence, self._telemetry)

    @cached_property
    def subjects(self) -> SubjectRows:
        return SubjectRows(self.connection, self._clock, self.row_sequence, self._proof)

    @cached_property
    def templates(self) -> TemplateRows:
        return TemplateRows(
            self.connection, self._clock, self.row_sequence, self._search_rows, self._telemetry
        )

    @cached_property
    def idempotency(self) -> IdempotentResponses:
        return IdempotentResponses(self.connection, self._clock)

    @cached_property
    def api_keys(self) -> ApiKeyRows:
        return ApiKeyRows(self.connection, self._registry)

    @cached_property
    def audit(self) -> AuditLog:
        return AuditLog(self.connection, self._head, self._registry)

    @cached_property
    def sealed_rows(self) -> SealedRows:
        return SealedRows(self.connection, self.row_sequence, self._search_rows)

    @cached_property
    def failed_comparisons(self) -> FailedComparisons:
        return FailedComparisons(
            self.connection, self._clock, self.collections, self._collection_ids, self._proof
        )

    @cached_property
    def row_sequence(self) -> RowSequence:
        return RowSequence(self.connection, self._head)

    @cached_property
    def _search_rows(self) -> SearchRows:
        return SearchRows(self.connection, self._head)

    @cached_property
    def _proof(self) -> SubjectProof:
        return SubjectProof(self.connection, self._head)

    def server_time(self) -> datetime:
        """What the database's own clock shows at this moment."""
        return self._server_clock(self.connection)

    def end(self) -> None:
        """Write what waits for the end: row sequences, and last of all the audit log."""
        self.row_sequence.settle()
        self.audit.write(commit=True)
