"""All that `face audit verify` looks at, of one moment."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, select, text

from service.domain.audit import Action
from service.domain.collection import Collection
from service.domain.errors import RecordTampered
from service.domain.ports import AuditSnapshot, PeopleProved
from service.domain.subject_seal import CHANGES, ENROLLING
from service.gallery.api_keys import stored_api_keys
from service.gallery.audit import all_records
from service.gallery.audit_head import PostgresAuditHead, holds_anything, stored_head
from service.gallery.collections import stored_collections
from service.gallery.positions import PostgresPositions
from service.gallery.subject_proof import PostgresSubjectProof
from service.gallery.subjects import all_subjects
from service.gallery.tables import registry
from service.gallery.vectors import PostgresSearchRows

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


def audit_snapshot(connection: Connection, head: PostgresAuditHead) -> AuditSnapshot:
    """`connection`: in a transaction that sees one moment throughout."""
    connection.execute(_UNLIMITED)
    rows = PostgresSearchRows(connection, head)
    return AuditSnapshot(
        head=stored_head(connection),
        records=all_records(connection),
        registry=connection.scalar(select(registry.c.content)),
        collections=stored_collections(connection),
        api_keys=stored_api_keys(connection),
        people=partial(_people, connection, PostgresSubjectProof(connection, head)),
        search_rows=partial(_search_rows, rows, PostgresPositions(connection, head)),
        enrolled=lambda: connection.execute(_ENROLLED).scalar_one(),
        empty=not holds_anything(connection),
    )


def _search_rows(
    rows: PostgresSearchRows, positions: PostgresPositions, collection: Collection
) -> int:
    """Altered, removed or put back."""
    altered, number = rows.altered(collection.collection_id)
    try:
        expected = positions.mark(collection).rows
    except RecordTampered:
        return altered + 1
    return altered + abs(expected - number)


def _people(
    connection: Connection, proof: PostgresSubjectProof, collection: Collection
) -> PeopleProved:
    genuine, altered = 0, 0
    some: list[str] = []
    for found in all_subjects(connection, collection):
        proved = {subject.subject_id for subject in proof.genuine(collection, found)}
        others = [subject.subject_id for subject, _ in found if subject.subject_id not in proved]
        genuine, altered = genuine + len(proved), altered + len(others)
        some = [*some, *others][:NAMED]
    return PeopleProved(genuine, altered, tuple(some))
