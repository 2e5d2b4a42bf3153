"""Whether anything was ever kept in a database.

All that `face audit verify` looks at, of one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, exists, or_, select, text

from service.domain.audit import Action, AuditRecord
from service.domain.callers import ApiKey
from service.domain.chain import SealedHead
from service.domain.collection import Collection
from service.domain.errors import RecordTampered
from service.domain.integrity import PeopleProved
from service.domain.registry import CHANGES, ENROLLING
from service.storage.api_keys import stored_api_keys
from service.storage.audit_head import AuditHeadRow, holds_anything, stored_head
from service.storage.audit_log import all_records
from service.storage.collections import stored_collections
from service.storage.engine import single_use_engine
from service.storage.failures import translated
from service.storage.subjects import SubjectProof, all_subjects
from service.storage.tables import metadata, rate_counters, registry
from service.storage.template_rows import RowSequence, SearchRows

_IS_THERE = text("SELECT to_regclass(:name) IS NOT NULL")


def holds_rows(url: str) -> bool:
    """In any of the service's tables but that of counted calls; before the migrations it holds none.

    Raises `DatabaseUnavailable`.
    """
    with translated(), single_use_engine(url).connect() as connection:
        kept = [table for table in metadata.sorted_tables if table is not rate_counters]
        there = [table for table in kept if _is_there(connection, table.name)]
        filled = [exists(select(1).select_from(table)) for table in there]
        return bool(filled) and bool(connection.scalar(select(or_(*filled))))


def _is_there(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(_IS_THERE, {"name": name}))


NAMED = 20
"""People whose rows were altered are named, so that they can be looked at; but no more than these."""

_UNLIMITED = text("SELECT set_config('statement_timeout', '0', true)")
"""A million people's last changes are not told within the time that any other statement is given."""

_ENROLLED = text("""
    SELECT count(*) FROM (
        SELECT DISTINCT ON (subject) action, collection, sequence FROM audit
        WHERE outcome = 'done' AND subject IS NOT NULL AND action = ANY(:changes)
        ORDER BY subject, sequence DESC
    ) AS last
    WHERE action = ANY(:enrolling) AND NOT EXISTS (
        SELECT FROM audit AS erased
        WHERE erased.collection = last.collection AND erased.sequence > last.sequence
            AND erased.action = :erase AND erased.outcome = 'done'
    )
""").bindparams(
    changes=[action.value for action in CHANGES],
    enrolling=[action.value for action in ENROLLING],
    erase=Action.COLLECTION_ERASE.value,
)
"""People whose last change left them enrolled, in a collection that was not deleted since."""


@dataclass(frozen=True, slots=True)
class AuditSnapshot:
    """The log and what it vouches for, of one moment, as it is stored: proved or not.

    `records`: by number. `registry`: its content; None where there is none. `api_keys`: each with its
    id and its secret's hash. `people`: those of a collection, held against the log. `search_rows`: how
    many of its templates are not searched by what was written. `enrolled`: how
    many people there are by the log. `empty`: whether there is nothing at all. Whatever can be many is
    read a few at a time.
    """

    head: SealedHead | None
    records: Iterable[AuditRecord]
    registry: bytes | None
    collections: Iterable[Collection]
    api_keys: Iterable[tuple[ApiKey, str, bytes]]
    people: Callable[[Collection], PeopleProved]
    search_rows: Callable[[Collection], int]
    enrolled: Callable[[], int]
    empty: bool


def audit_snapshot(connection: Connection, head: AuditHeadRow) -> AuditSnapshot:
    """`connection`: in a transaction that sees one moment throughout."""
    connection.execute(_UNLIMITED)
    rows = SearchRows(connection, head)
    return AuditSnapshot(
        head=stored_head(connection),
        records=all_records(connection),
        registry=connection.scalar(select(registry.c.content)),
        collections=stored_collections(connection),
        api_keys=stored_api_keys(connection),
        people=partial(_people, connection, SubjectProof(connection, head)),
        search_rows=partial(_search_rows, rows, RowSequence(connection, head)),
        enrolled=lambda: connection.execute(_ENROLLED).scalar_one(),
        empty=not holds_anything(connection),
    )


def _search_rows(rows: SearchRows, positions: RowSequence, collection: Collection) -> int:
    """Altered, removed or put back."""
    altered, number = rows.altered(collection.collection_id)
    try:
        expected = positions.mark(collection).rows
    except RecordTampered:
        return altered + 1
    return altered + abs(expected - number)


def _people(connection: Connection, proof: SubjectProof, collection: Collection) -> PeopleProved:
    genuine, altered = 0, 0
    some: list[str] = []
    for found in all_subjects(connection, collection):
        proved = {subject.subject_id for subject in proof.genuine(collection, found)}
        others = [subject.subject_id for subject, _ in found if subject.subject_id not in proved]
        genuine, altered = genuine + len(proved), altered + len(others)
        some = [*some, *others][:NAMED]
    return PeopleProved(genuine, altered, tuple(some))
