"""The gallery: transactions on PostgreSQL, and whether it can serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection, text

from service.domain.audit import AuditRecord
from service.domain.chain import SealedHead
from service.domain.errors import DatabaseNotMigrated
from service.domain.ports import Vault
from service.gallery.answers import PostgresAnswers
from service.gallery.api_keys import PostgresApiKeys
from service.gallery.audit import PostgresAuditLog, all_records, stored_head
from service.gallery.collections import PostgresCollections
from service.gallery.connecting import pooled_engine
from service.gallery.failures import translated
from service.gallery.migrations import head
from service.gallery.subjects import PostgresSubjects
from service.gallery.templates import PostgresTemplates

LOCK_MILLISECONDS = 10_000
"""How long an enrollment waits for those before it; each takes one exact search, about 0.1 s."""

STATEMENT_MILLISECONDS = 30_000
"""How long one statement may take, waiting for a lock included."""

_TERMS = text(
    "SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', :all, true),"
    " set_config('TimeZone', 'UTC', true)"
).bindparams(lock=str(LOCK_MILLISECONDS), all=str(STATEMENT_MILLISECONDS))
"""For one transaction only: the connection behind it may be shared, by PgBouncer."""

_REVISION = text("SELECT version_num FROM alembic_version")


class PostgresTransaction:
    """Implements `Transaction`: every repository on the same connection."""

    def __init__(self, connection: Connection, vault: Callable[[], Vault] | None) -> None:
        self.connection = connection
        self.collections = PostgresCollections(connection)
        self.subjects = PostgresSubjects(connection)
        self.templates = PostgresTemplates(connection)
        self.answers = PostgresAnswers(connection)
        self.api_keys = PostgresApiKeys(connection)
        self.audit = PostgresAuditLog(connection, vault)


class PostgresGallery:
    """Implements `Gallery`. Safe to share between threads; connects when first used.

    `url`: `postgresql://…` or `postgresql+psycopg://…`. `vault`: made when something is first
    written down; without one nothing can be, and a transaction that has to fails.
    """

    def __init__(self, url: str, vault: Callable[[], Vault] | None = None) -> None:
        self._engine = pooled_engine(url)
        self._vault = vault

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """Raises `DatabaseUnavailable`, `Overloaded`, `DatabaseNotMigrated`, `AuditTampered`."""
        with translated(), self._engine.begin() as connection:
            connection.execute(_TERMS)
            transaction = PostgresTransaction(connection, self._vault)
            yield transaction
            transaction.audit.write()

    @contextmanager
    def audit_snapshot(self) -> Iterator[tuple[SealedHead | None, Iterable[AuditRecord]]]:
        """Implements `AuditSnapshots`: what is written meanwhile is not seen."""
        with translated(), self._engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ")
            with snapshot.begin():
                snapshot.execute(_TERMS)
                yield stored_head(snapshot), all_records(snapshot)

    def check(self) -> None:
        """Raises `DatabaseUnavailable` or `DatabaseNotMigrated`."""
        with translated(), self._engine.connect() as connection:
            if connection.scalar(_REVISION) != self._head:
                raise DatabaseNotMigrated

    def close(self) -> None:
        """Gives all idle connections back."""
        self._engine.dispose()

    @cached_property
    def _head(self) -> str:
        return head()
