"""The service of these tests: its use cases without HTTP, and the tables below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from service.config import AppConfig
from service.domain.bulk import BulkOutcome, BulkRow
from service.domain.callers import Caller, Scope
from service.domain.collection import DEFAULT_COLLECTION, CollectionSettings
from service.domain.face import Faces, FaceSource
from service.domain.lockout import LockoutRules
from service.storage.engine import single_use_engine
from service.storage.storage import Storage
from service.storage.tables import metadata
from service.usecases.api_keys import ApiKeys
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.bulk_enroll import BulkEnroll
from service.usecases.bulk_transaction import BulkRequest
from service.usecases.collections import CollectionDetails, Collections
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erasure, Purge
from service.usecases.identify import SearchRequest, SearchResult
from service.usecases.merge import MergeRequest
from service.usecases.model_move import MoveModel
from service.usecases.subjects import ChangedSubject, Exported, Subjects
from service.usecases.verify import (
    Verification,
    VerifyRequest,
)
from service.vault.vault import Vault
from service.wiring import Wiring
from tests.usecases.stand_ins import StandInCapture, StandInClock, StandInEngine, photos

CALLER = "till"
KEY_HOLDER = Caller(CALLER, frozenset(Scope))
DEFAULT = DEFAULT_COLLECTION
LONG_ID = "subject-kim-0123456789"
"""Which no hash and no sealed bytes hold by chance, as they may a name of three letters."""
RULES = LockoutRules(10, timedelta(minutes=15), timedelta(minutes=15))


@dataclass(frozen=True)
class Service:
    """Runs the use cases as one process does. A string as source is the name of a photograph."""

    storage: Storage
    vault: Vault
    engine: StandInEngine
    capture: StandInCapture
    clock: StandInClock
    rules: LockoutRules = RULES
    decisions: bool = True
    caller: Caller = KEY_HOLDER
    next_engine: StandInEngine | None = None

    @cached_property
    def wiring(self) -> Wiring:
        """As in production, with these parts in the place of those that the settings choose."""
        config = AppConfig(
            lockout_after=self.rules.after,
            lockout_window=int(self.rules.window.total_seconds()),
            lockout_seconds=int(self.rules.lasts.total_seconds()),
            audit_decisions=self.decisions,
            next_model_name=self.next_engine and self.next_engine.model.name,
        )
        wiring = Wiring(config, clock=self.clock)
        wiring.storage, wiring.vault = self.storage, self.vault
        wiring.engine, wiring.capture = self.engine, self.capture
        wiring.next_engine = self.next_engine
        return wiring

    @property
    def collections(self) -> Collections:
        return self.wiring.collections

    @property
    def subjects(self) -> Subjects:
        return self.wiring.subjects

    @property
    def api_keys(self) -> ApiKeys:
        return self.wiring.api_keys

    @property
    def audit(self) -> AuditRecorder:
        return self.wiring.audit_recorder

    @property
    def purge(self) -> Purge:
        return self.wiring.purge

    @property
    def model_id(self) -> str:
        return self.wiring.model_id

    @property
    def move_model(self) -> MoveModel:
        return self.wiring.move_model

    def enroll(self, subject_id: str, source: FaceSource | str, **fields: Any) -> Enrolled:
        """`fields`: those of `EnrollRequest`."""
        asked = {"collection": DEFAULT, "caller": self.caller, **fields}
        return self.wiring.enroll(EnrollRequest(subject_id, _source(source), **asked))

    def bulk(self, rows: Iterable[BulkRow], **fields: Any) -> list[BulkOutcome]:
        """`fields`: those of `BulkRequest`."""
        request = BulkRequest(**{"collection": DEFAULT, "caller": self.caller, **fields})
        batch = self.wiring.enroll_batch(request.collection, coming=0)
        bulk = BulkEnroll(self.storage, batch, self.clock, sleep=lambda _: None)
        with self.wiring.embedding_here(request.collection, None) as embed:
            return [outcome for outcomes in bulk(request, rows, embed) for outcome in outcomes]

    def verify(
        self,
        subject_id: str,
        source: FaceSource | str,
        collection: str = DEFAULT,
        profile: str | None = None,
        faces: Faces | None = None,
    ) -> Verification:
        return self.wiring.verify(
            VerifyRequest(subject_id, _source(source), collection, self.caller, profile, faces)
        )

    def search(
        self,
        source: FaceSource | str,
        collection: str = DEFAULT,
        profile: str | None = None,
        limit: int = 10,
    ) -> SearchResult:
        return self.wiring.identify(
            SearchRequest(_source(source), collection, self.caller, profile, limit)
        )

    def found(self, source: FaceSource | str, **fields: Any) -> list[str]:
        """Who a search names, in its order."""
        return [one.who.subject_id for one in self.search(source, **fields).candidates]

    def erase(self, subject_id: str, collection: str = DEFAULT) -> Erasure:
        return self.wiring.erase(subject_id, collection, CALLER)

    def withdraw_consent(self, subject_id: str, collection: str = DEFAULT) -> Erasure:
        return self.wiring.withdraw_consent(subject_id, collection, CALLER)

    def export(self, subject_id: str, collection: str = DEFAULT) -> Exported:
        return self.wiring.export(subject_id, collection, CALLER)

    def unlock(self, subject_id: str, collection: str = DEFAULT) -> ChangedSubject:
        return self.wiring.unlock(subject_id, collection, CALLER)

    def merge(self, subject_id: str, other_id: str, *, force: bool = False) -> ChangedSubject:
        return self.wiring.merge(MergeRequest(subject_id, other_id, DEFAULT, CALLER, force))

    def rename(self, subject_id: str, to: str, collection: str = DEFAULT) -> ChangedSubject:
        return self.wiring.rename(subject_id, to, collection, CALLER)

    def put(self, collection: str = DEFAULT, **settings: Any) -> CollectionDetails:
        """`settings`: those of `CollectionSettings`."""
        return self.collections.put(collection, CollectionSettings(**settings), CALLER)


def _source(source: FaceSource | str) -> FaceSource:
    return photos(source) if isinstance(source, str) else source


GUARDS = (
    ("audit", "audit_only_grows"),
    ("audit_head", "audit_head_stays"),
    ("audit_head", "audit_head_moves_forward"),
)


class Tables:
    """The tables as whoever holds the database sees and changes them."""

    NAMES = tuple(table.name for table in metadata.sorted_tables)

    def __init__(self, url: str) -> None:
        self._engine = single_use_engine(url)

    def rows(self, query: str, **values: object) -> list[RowMapping]:
        with self._engine.connect() as connection:
            return list(connection.execute(text(query), values).mappings())

    def change(self, statement: str, **values: object) -> None:
        """The statement must touch a row, or the test would prove nothing."""
        with self._engine.begin() as connection:
            assert connection.execute(text(statement), values).rowcount > 0

    def content(self) -> dict[str, list[RowMapping]]:
        """Every row of every table."""
        return {name: self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in self.NAMES}

    def beside_the_log(self) -> dict[str, list[RowMapping]]:
        """Every row of every table but the audit log's."""
        log = {table for table, _ in GUARDS}
        return {name: rows for name, rows in self.content().items() if name not in log}

    def clear(self) -> None:
        with self.unguarded() as connection:
            for name in reversed(self.NAMES):
                connection.execute(text(f"DELETE FROM {name}"))

    @contextmanager
    def unguarded(self) -> Iterator[Connection]:
        """A transaction in which the audit log's triggers do nothing, as a superuser can have it."""
        with self._engine.begin() as connection:
            for table, guard in GUARDS:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {guard}"))
            yield connection
            for table, guard in GUARDS:
                connection.execute(text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}"))
