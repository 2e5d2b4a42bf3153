"""The audit log. Records are added in the transaction of what they tell, and never altered; all of them,
and what the log vouches for, are read as of one moment where `face audit verify` looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from service.domain import chain
from service.domain.audit import CONTINUED, Action, AuditEntry, AuditQuery, AuditRecord, Outcome
from service.domain.callers import ApiKey
from service.domain.chain import CHANGES, ENROLLING, SealedHead
from service.domain.collection import Collection, WrappedKey
from service.domain.errors import RecordTampered
from service.domain.integrity import PeopleProved
from service.storage.api_keys import stored_api_keys
from service.storage.audit_head import (
    AuditHeadRow,
    RegistryRow,
    holds_anything,
    moved_columns,
    stored_head,
)
from service.storage.collections import stored_collections
from service.storage.engine import insert_rows, single_use_engine
from service.storage.failures import translated
from service.storage.flagged_duplicates import FlaggedDuplicateRows
from service.storage.queries import Query, compiled, run
from service.storage.subjects import SubjectProof, all_subjects, stored_people
from service.storage.tables import NOT_LOGGED, audit, audit_head, metadata, registry
from service.storage.template_rows import RowSequence, SearchRows

ROWS_AT_A_TIME = 1000
"""Records held in memory while the whole log is read."""

_LAST = 2**63 - 1
"""Beyond every record."""


_INSERT = compiled(insert(audit).values({one: bindparam(one.name) for one in audit.columns}))

_MOVE_HEAD = compiled(
    update(audit_head).values(
        {name: bindparam(name) for name in ("sequence", "digest", "registry", "seal")}
    )
)


class AuditLog:
    """Entries wait for the end of the transaction, when the head's row is locked, its chain
    continued, and the lock given back by the commit. So the lock that all writers share is the
    last one that anybody takes, after a collection's: nobody who holds it waits for another, and
    no two transactions wait for each other. And it is held for two trips to the server only.
    """

    def __init__(self, connection: Connection, head: AuditHeadRow, registry: RegistryRow) -> None:
        self._connection = connection
        self._head = head
        self._registry = registry
        self._waiting: list[AuditEntry] = []

    def append(self, entry: AuditEntry) -> None:
        """Written at the end of the transaction, after everything else in it.

        Its end raises `AuditTampered` where the log's end is not what was written.
        """
        self._waiting.append(entry)

    def keyed_hash(self, content: bytes) -> bytes:
        """32 bytes, by the log's own key: it outlives collections and changes of their keys.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        return self._head.begun()(content)

    def page(self, query: AuditQuery, limit: int, before: int | None) -> list[AuditRecord]:
        """Up to `limit` records, newest first, those with a smaller number than `before`."""
        rows = _matching(query).order_by(audit.c.sequence.desc()).limit(limit)
        if before is not None:
            rows = rows.where(audit.c.sequence < before)
        return [_record(row) for row in self._connection.execute(rows).mappings()]

    def about(self, subject: bytes) -> list[AuditEntry]:
        """What was written about a person since they are enrolled, oldest first; in this transaction
        too. `subject`: the keyed hash of their id. Under the ids that they had before as well.
        """
        written: dict[int, AuditRecord] = {}
        ids: list[tuple[bytes, int]] = [(subject, _LAST)]
        while ids:
            records = self._of_one_id(*ids.pop())
            written |= {one.sequence: one for one in records}
            ids += self._ids_before(records)
        waiting = [one for one in self._waiting if one.subject == subject]
        return [written[number].entry for number in sorted(written)] + waiting

    def _of_one_id(self, subject: bytes, up_to: int) -> list[AuditRecord]:
        """About whoever had the id at that record: it may have been somebody else's before."""
        theirs = (audit.c.subject == subject, audit.c.sequence <= up_to)
        begun = select(func.max(audit.c.sequence)).where(
            *theirs,
            audit.c.outcome == Outcome.DONE.value,
            audit.c.action.in_([Action.ENROLL.value, Action.RENAME_TO.value]),
        )
        query = select(audit).where(*theirs, audit.c.sequence >= begun.scalar_subquery())
        return [_record(row) for row in self._connection.execute(query).mappings()]

    def _ids_before(self, records: Sequence[AuditRecord]) -> list[tuple[bytes, int]]:
        """Other ids of the same person's, as keyed hashes, and the record up to which each was theirs."""
        query = select(audit.c.subject, audit.c.sequence).where(
            audit.c.sequence.in_(
                one.sequence - 1
                for one in records
                if one.entry.action in CONTINUED and one.entry.outcome == Outcome.DONE
            )
        )
        return [(row.subject, row.sequence) for row in self._connection.execute(query)]

    def rewrap(self, rewrapped: Callable[[WrappedKey], WrappedKey]) -> None:
        """Wrap the log's own key anew, after everything that was appended. Comes last: thereafter
        this transaction can write nothing down.

        Raises `AuditTampered`, `MasterKeyInvalid`, and what `rewrapped` raises.
        """
        run(self._connection, *self.last_queries())
        key = rewrapped(self._head.locked().key)
        changed = {"key_id": key.key_id, "wrapped_key": key.wrapped}
        self._connection.execute(update(audit_head).values(changed))

    def last_queries(self) -> list[Query]:
        """Lock the head, and continue the chain by what waits: what is left to write, which lets the
        head vouch for the registry as it is now. Empty where nothing has to be written down.

        They are to go with the commit, in one trip: the head's lock, which all writers share, is held
        for one trip less.

        Raises `AuditTampered`, `MasterKeyInvalid`.
        """
        if not (self._waiting or self._registry.changes):
            return []
        stored = self._head.locked()
        keyed = self._head.keyed(stored)
        head, records = self._registry.settle(stored.head), []
        for entry in self._waiting:
            record, head = chain.link(head, entry, keyed)
            records.append(_columns(record))
        self._waiting = []
        if len(records) > 1:
            insert_rows(self._connection, audit, records[:-1])
        return [
            *(Query(_INSERT, last) for last in records[-1:]),
            Query(_MOVE_HEAD, moved_columns(head, keyed)),
        ]


def all_records(connection: Connection) -> Iterator[AuditRecord]:
    """By number, through a cursor of the server: memory stays what it is."""
    query = select(audit).order_by(audit.c.sequence)
    options = {"yield_per": ROWS_AT_A_TIME}
    yield from map(_record, connection.execute(query, execution_options=options).mappings())


def _matching(query: AuditQuery) -> Select[Any]:
    rows = select(audit)
    for column, value in (
        (audit.c.action, query.action),
        (audit.c.collection, query.collection),
        (audit.c.subject, query.subject),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if query.collections:
        rows = rows.where(audit.c.collection.in_(query.collections))
    if query.since is not None:
        rows = rows.where(audit.c.at >= query.since)
    if query.until is not None:
        rows = rows.where(audit.c.at < query.until)
    return rows


def _record(row: RowMapping) -> AuditRecord:
    entry = AuditEntry(
        audit_id=row["audit_id"],
        at=row["at"],
        caller=row["caller"],
        action=row["action"],
        collection=row["collection"],
        subject=row["subject"],
        outcome=row["outcome"],
        request_id=row["request_id"],
    )
    return AuditRecord(row["sequence"], entry, row["previous"], row["digest"])


def _columns(record: AuditRecord) -> dict[str, Any]:
    entry = record.entry
    return {
        "audit_id": entry.audit_id,
        "sequence": record.sequence,
        "at": entry.at,
        "caller": entry.caller,
        "action": str(entry.action),
        "collection": entry.collection,
        "subject": entry.subject,
        "outcome": str(entry.outcome),
        "request_id": entry.request_id,
        "previous": record.previous,
        "digest": record.digest,
    }


_IS_THERE = text("SELECT to_regclass(:name) IS NOT NULL")


def holds_rows(url: str) -> bool:
    """In any of the service's tables but those of the moment; before the migrations it holds none.

    Raises `DatabaseUnavailable`.
    """
    with translated(), single_use_engine(url).connect() as connection:
        kept = [table for table in metadata.sorted_tables if table not in NOT_LOGGED]
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
    many of its templates are not searched by what was written. `flagged_duplicates`: how many of its rows
    are not as they were written. `enrolled`: how many people there are by the log. `empty`: whether there is nothing at all. Whatever can be many is
    read a few at a time.
    """

    head: SealedHead | None
    records: Iterable[AuditRecord]
    registry: bytes | None
    collections: Iterable[Collection]
    api_keys: Iterable[tuple[ApiKey, str, bytes]]
    people: Callable[[Collection], PeopleProved]
    search_rows: Callable[[Collection], int]
    flagged_duplicates: Callable[[Collection], int]
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
        flagged_duplicates=partial(
            FlaggedDuplicateRows(connection, head).altered,
            stored_people=partial(stored_people, connection),
        ),
        enrolled=lambda: connection.execute(_ENROLLED).scalar_one(),
        empty=not holds_anything(connection),
    )


def _search_rows(rows: SearchRows, row_sequence: RowSequence, collection: Collection) -> int:
    """Altered, removed or put back."""
    altered, number = rows.altered(collection.collection_id)
    try:
        expected = row_sequence.mark(collection).rows
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
