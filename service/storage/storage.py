"""Storage: transactions on PostgreSQL, and whether it can serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import PoolProxiedConnection, text

from service.domain.callers import ApiKey
from service.domain.collection import Collection
from service.domain.errors import DatabaseNotMigrated, Overloaded
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.storage.api_keys import find_api_key, note_api_key_use
from service.storage.audit_head import AuditHeadRow, ProvedState, RegistryRow
from service.storage.audit_log import AuditSnapshot, audit_snapshot
from service.storage.collections import find_collection
from service.storage.engine import pooled_engine
from service.storage.expiry import Clock, ServerClock, server_time
from service.storage.failures import translated
from service.storage.queries import run
from service.storage.suitability import (
    ServerFacts,
    require_citus_settings,
    require_suitable,
    require_write_access,
    server_facts,
)
from service.storage.tables import REVISION
from service.storage.transaction import TERMS, Transaction
from service.vault.vault import Vault

if TYPE_CHECKING:
    from service.storage.counters import CallCounters

CONNECTIONS = 4
"""Of a process that may wait for the same lock: a fifth of the pool. The lock itself is held by one
at a time, and the next ones are there when it is let go.
"""

MOST_WAITING = 64
"""Calls that may wait for those few; the next is refused at once."""

LONGEST_WAIT = 20.0
"""Seconds that they wait: twice as long as for the lock itself, since they hold nothing. Of many who
enroll at the same time all are to get their answer."""

Locked: TypeAlias = tuple[str, ...]
"""What is locked: a collection, or a collection and a subject; empty: nothing."""


@dataclass(slots=True)
class _Queue:
    places: Semaphore = field(default_factory=lambda: Semaphore(CONNECTIONS))
    calls: int = 0
    """That have a place or wait for one."""


class PoolShare:
    """How much of the pool may wait for one lock.

    Whoever waits for a lock of the database holds a connection meanwhile. Were all of them taken by
    those who wait for one collection, calls to every other would wait as long. So only a few of a
    process wait for the same lock there; the others wait here, with nothing in their hands.

    Safe to share between threads. `longest_wait`: seconds."""

    def __init__(self, longest_wait: float = LONGEST_WAIT) -> None:
        self._longest_wait = longest_wait
        self._queues: dict[Locked, _Queue] = {}
        """Of locks that are wanted now, and of no others: callers choose the names."""
        self._lock = Lock()

    @contextmanager
    def of(self, locked: Locked) -> Iterator[None]:
        """The block may take a connection and wait for this with it. Raises `Overloaded`."""
        if not locked:
            yield
            return
        queue = self._enter(locked)
        try:
            if not queue.places.acquire(timeout=self._longest_wait):
                raise Overloaded
            try:
                yield
            finally:
                queue.places.release()
        finally:
            self._leave(locked, queue)

    def _enter(self, locked: Locked) -> _Queue:
        with self._lock:
            queue = self._queues.setdefault(locked, _Queue())
            if queue.calls >= CONNECTIONS + MOST_WAITING:
                raise Overloaded
            queue.calls += 1
            return queue

    def _leave(self, locked: Locked, queue: _Queue) -> None:
        with self._lock:
            queue.calls -= 1
            if not queue.calls:
                del self._queues[locked]


_OLDEST_KEY = text("SELECT min(created_at) FROM collection_keys WHERE state = 'active'")

_REVISION = text("SELECT version_num FROM alembic_version")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Storage:
    """Transactions on one database. Safe to share between threads; connects when first used.

    `url`: `postgresql://…` or `postgresql+psycopg://…`. `clock`: who has expired by now? `vault`:
    made when something is first written down; without one nothing can be, and a transaction that
    has to fails. `server_clock`: the database's.
    """

    def __init__(
        self,
        url: str,
        clock: Clock = utc_now,
        vault: Callable[[], Vault] | None = None,
        server_clock: ServerClock = server_time,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._engine = pooled_engine(url)
        self._checked = pooled_engine(url, size=1)
        """Of its own, so that whether it can serve is told while all others wait."""
        self._clock = clock
        self._vault = vault
        self._telemetry = telemetry
        self._share = PoolShare()
        self._server_clock = server_clock
        self._proved = ProvedState()

    @contextmanager
    def transaction(self, *waits_for: str) -> Iterator[Transaction]:
        """Commits at the end of the block; rolls back where it raises.

        `waits_for`: whose lock the block will ask for, a collection's name or that and a subject's:
        only a few of a process may hold a connection while they wait for the same one.

        Raises `DatabaseUnavailable` where the database cannot be reached, `Overloaded` where a
        lock or a connection is not to be had in time; `DatabaseNotMigrated`, `AuditTampered`,
        `RecordTampered`.
        """
        with (
            self._telemetry.stage("transaction"),
            self._share.of(waits_for),
            translated(),
            self._engine.connect() as connection,
        ):
            transaction = Transaction(
                connection,
                self._clock,
                self._vault,
                self._server_clock,
                self._proved,
                self._telemetry,
            )
            transaction.begin()
            yield transaction
            transaction.commit()
            # Where something is raised before, `connect` rolls back as it gives the connection back.

    def find_api_key(self, key_id: str) -> tuple[ApiKey, bytes] | None:
        """The key and the SHA-256 of its secret, as committed at this moment: outside of any
        transaction, since every call asks. Raises as `transaction` does.
        """
        with self._registry() as (connection, registry):
            return find_api_key(connection, key_id, registry)

    def note_api_key_use(self, key_id: str, ago: timedelta) -> None:
        """The key was used, `ago` from now. Raises as `transaction` does."""
        with translated(), self._engine.connect() as connection:
            note_api_key_use(connection, key_id, ago)

    def find_collection(self, name: str) -> Collection | None:
        """As committed at this moment, outside of any transaction: in one trip, since every call with
        photographs asks. Raises as `transaction` does.
        """
        with self._registry() as (connection, registry):
            return find_collection(connection, name, registry)

    @contextmanager
    def _registry(self) -> Iterator[tuple[PoolProxiedConnection, RegistryRow]]:
        """What proves a row that is read by itself."""
        with translated(), closing(self._engine.raw_connection()) as connection:
            head = AuditHeadRow(connection, self._vault)
            yield connection, RegistryRow(connection, head, self._proved)

    @contextmanager
    def audit_snapshot(self) -> Iterator[AuditSnapshot]:
        """What is written meanwhile is not seen. Raises as `transaction` does."""
        with translated(), self._engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ")
            with snapshot.begin():
                run(snapshot, TERMS)
                yield audit_snapshot(snapshot, AuditHeadRow(snapshot, self._vault))

    def require_suitable(self) -> None:
        """Raises `DatabaseUnsuitable`, `DatabaseUnavailable`."""
        with translated(), self._engine.connect() as connection:
            require_suitable(connection)

    def facts(self) -> ServerFacts:
        """Of the server that this is connected to. Raises as `check`."""
        with translated(), self._engine.connect() as connection:
            return server_facts(connection)

    def check(self) -> None:
        """Raises `DatabaseUnavailable`, `DatabaseNotMigrated` or what `require_write_access` does."""
        with translated(), self._checked.connect() as connection:
            require_write_access(connection)
            if connection.scalar(_REVISION) != REVISION:
                raise DatabaseNotMigrated

    def require_citus_settings(self, *, search_memory: bool) -> None:
        """`search_memory`: whether people are to be held in memory to search by. Raises
        `DatabaseDistributed`, and as `check` does.
        """
        with translated(), self._engine.connect() as connection:
            require_citus_settings(connection, search_memory=search_memory)

    def oldest_key_made(self) -> datetime | None:
        """When the oldest active data key was made; None where there is none yet. Raises as
        `transaction` does.
        """
        with self.transaction() as tx:
            made: datetime | None = tx.connection.scalar(_OLDEST_KEY)
        return made

    def clock_difference(self) -> timedelta:
        """By how much this process's clock is ahead of the database's. Raises as `transaction`."""
        with translated(), self._engine.connect() as connection:
            return self._clock() - self._server_clock(connection)

    def counters(self) -> CallCounters:
        """Where calls are counted, on the same pool of connections."""
        from service.storage.counters import CallCounters

        return CallCounters(self._engine)

    def close(self) -> None:
        """Gives all idle connections back."""
        self._engine.dispose()
        self._checked.dispose()
