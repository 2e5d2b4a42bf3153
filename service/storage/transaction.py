"""One transaction over all that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection

from service.domain.ports import Telemetry
from service.storage.api_keys import ApiKeyRows
from service.storage.audit_head import AuditHeadRow, ProvedState, RegistryRow
from service.storage.audit_log import AuditLog
from service.storage.collections import CollectionRows
from service.storage.expiry import Clock, ServerClock
from service.storage.failed_comparisons import FailedComparisons
from service.storage.failures import QueryFailed
from service.storage.flagged_duplicates import FlaggedDuplicateRows
from service.storage.idempotency import IdempotentResponses
from service.storage.liveness_frames import LivenessFrames
from service.storage.liveness_sessions import LivenessSessions
from service.storage.queries import Query, driver_of, run
from service.storage.sealed_rows import SealedRows
from service.storage.subjects import SubjectProof, SubjectRows
from service.storage.template_rows import RowSequence, SearchRows
from service.storage.templates import TemplateRows
from service.vault.vault import Vault

LOCK_MILLISECONDS = 10_000
"""How long an enrollment waits for those before it; each takes one exact search, about 0.1 s."""

STATEMENT_MILLISECONDS = 30_000
"""How long one statement may take, waiting for a lock included."""

TERMS = Query(
    f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}; "
    f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}; "
    "SET LOCAL TimeZone = 'UTC'".encode(),
    prepared=False,
)
"""For one transaction only: the connection behind it may be shared, by PgBouncer."""

_BEGIN = Query(b"BEGIN ISOLATION LEVEL READ COMMITTED; " + TERMS.text, prepared=False)
"""Whatever the server's default: after waiting for a collection's lock, the next statement must see
what the holder before it committed.
"""

_COMMIT = Query(b"COMMIT")


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
        server_clock: ServerClock,
        proved: ProvedState,
        telemetry: Telemetry,
    ) -> None:
        self.connection = connection
        self._pooled = connection.connection
        """What SQLAlchemy's goes through: its own tells nothing once it was cut off."""
        self._clock = clock
        self._server_clock = server_clock
        self._telemetry = telemetry
        self._head = AuditHeadRow(connection, vault)
        self._row_sequence: RowSequence | None = None
        self._registry = RegistryRow(connection, self._head, proved)

    @cached_property
    def collections(self) -> CollectionRows:
        return CollectionRows(self.connection, self._registry, self._head, self._telemetry)

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
    def liveness_frames(self) -> LivenessFrames:
        return LivenessFrames(self.connection)

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
        return FailedComparisons(self.connection, self._clock, self.collections, self._proof)

    @cached_property
    def flagged_duplicates(self) -> FlaggedDuplicateRows:
        return FlaggedDuplicateRows(self.connection, self._head)

    @cached_property
    def liveness_sessions(self) -> LivenessSessions:
        return LivenessSessions(self.connection)

    @property
    def row_sequence(self) -> RowSequence:
        """Made where rows are written, which has to be settled at the end."""
        if self._row_sequence is None:
            self._row_sequence = RowSequence(self.connection, self._head)
        return self._row_sequence

    @cached_property
    def _search_rows(self) -> SearchRows:
        return SearchRows(self.connection, self._head)

    @cached_property
    def _proof(self) -> SubjectProof:
        return SubjectProof(self.connection, self._head)

    def server_time(self) -> datetime:
        """What the database's own clock shows at this moment."""
        return self._server_clock(self.connection)

    def begin(self) -> None:
        """Raises psycopg's errors."""
        run(self._pooled, _BEGIN)

    def commit(self) -> None:
        """Write what waits for the end, row sequences and last of all the audit log, and commit.

        Raises `AuditTampered`, `MasterKeyInvalid`, `RecordTampered`, psycopg's errors; `QueryFailed`
        where a query failed that nobody told of.
        """
        # PostgreSQL answers the COMMIT of a failed transaction with a rollback, and no error.
        if driver_of(self._pooled).info.transaction_status == TransactionStatus.INERROR:
            raise QueryFailed(f"a query before this one failed, in: {_COMMIT.text.decode()}")
        if self._row_sequence is not None:
            self._row_sequence.settle()
        run(self._pooled, *self.audit.last_queries(), _COMMIT)
