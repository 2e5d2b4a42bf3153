"""Enrolled people, and whether their rows are as the service wrote them last."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    select,
    update,
)

from service.domain.chain import CHANGES, Keyed, subject_seal
from service.domain.collection import Collection, Subject
from service.domain.errors import RecordTampered
from service.domain.expiry import Expired, is_expired
from service.storage.audit_head import AuditHeadRow
from service.storage.engine import insert_rows, is_distributed
from service.storage.expiry import Clock, alive, expired
from service.storage.flagged_duplicates import delete_flags
from service.storage.idempotency import keep_keys
from service.storage.queries import Query, run
from service.storage.tables import idempotent_responses, subjects, templates
from service.storage.template_rows import RowSequence

logger = logging.getLogger(__name__)

Stored = tuple[Subject, bytes]
"""A row and its seal."""

READINGS = 5
"""Of rows that somebody else changes meanwhile: each takes a millisecond, and a change some."""

PREPARED_SECONDS = 0.05
"""Between two readings where Citus spreads people: its coordinator's log comes into sight first, the
rows of a worker only then."""

_ACTIONS = ", ".join(f"'{action.value}'" for action in CHANGES)

_ARE_LAST = f"""
    SELECT audit_id FROM audit
    WHERE audit_id = ANY(%(changes)s) AND audit_id = (
        SELECT later.audit_id FROM audit AS later
        WHERE later.subject = audit.subject AND later.outcome = 'done'
            AND later.action IN ({_ACTIONS})
        ORDER BY later.sequence DESC LIMIT 1
    )
""".encode()  # noqa: S608 - our own words
"""Of the audit log alone, which is on one server: where Citus spreads people, a join with them would
send the log to all servers."""

_IS_LAST = _ARE_LAST.replace(b"ANY(%(changes)s)", b"%(change)s")
"""Of one change, as most calls ask: a list of unknown length PostgreSQL would plan anew each time."""


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
        if len(asked) == 1:
            query = Query(_IS_LAST, {"change": asked[0]})
        else:
            query = Query(_ARE_LAST, {"changes": asked})
        [rows] = run(self._connection, query)
        return {row["audit_id"] for row in rows}

    @property
    def _keyed(self) -> Keyed:
        return self._head.begun()


ROWS_AT_A_TIME = 1000
"""Read at a time where all are read."""


class SubjectRows:
    """People whose time is over are found by `expired` and `find_or_expired` alone: for all else they
    do not exist. Whose it is is decided by what was proved, never by a column alone.

    What is handed out is as the service wrote it last: reading raises `RecordTampered` for a row that
    was altered, or put back after it was changed or deleted.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        row_sequence: RowSequence,
        proof: SubjectProof,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._row_sequence = row_sequence
        self._proof = proof

    def find(self, collection: Collection, subject_id: str) -> Subject | None:
        found = self.find_or_expired(collection, subject_id)
        living = self._living(collection, [] if found is None else [found])
        return living[0] if living else None

    def find_or_expired(self, collection: Collection, subject_id: str) -> Subject | None:
        """Whose row is there, also where their time is over and they are still to be removed."""
        query = _of(collection, subject_id)
        found = self._proof.settled(collection, lambda: _read(self._connection, query))
        return found[0][0] if found else None

    def find_locked(self, collection: Collection, subject_id: str) -> Subject | None:
        """As `find_or_expired`, once nobody else can change or delete the row: it stays so until the end
        of the transaction. For whoever changes a person without the lock of the collection, and for
        whoever changes one beside them.
        """
        self._lock_row(collection, subject_id)
        return self.find_or_expired(collection, subject_id)

    def _lock_row(self, collection: Collection, subject_id: str) -> None:
        row = select(subjects.c.subject_id).where(_is(collection, subject_id))
        self._connection.execute(row.with_for_update(key_share=True))

    def is_stored(self, collection: Collection, subject_id: str) -> bool:
        """Whether there is a row, proved or not: whatever was done to it, it can be deleted."""
        query = select(subjects.c.subject_id).where(
            _is(collection, subject_id), alive(collection, self._clock())
        )
        return self._connection.execute(query).first() is not None

    def page(self, collection: Collection, limit: int, after: str | None) -> list[Subject]:
        """Up to `limit` subjects by id, those after `after`; as they are stored, altered or not, so
        that whoever looks after an alarm sees them.

        Starts behind `after` by the primary key, so that page 1,000 costs what page 1 does.
        """
        query = _of(collection).where(alive(collection, self._clock()))
        query = query.order_by(subjects.c.subject_id).limit(limit)
        if after is not None:
            query = query.where(subjects.c.subject_id > after)
        return [subject for subject, _ in _read(self._connection, query)]

    def existing(self, collection: Collection, subject_ids: Sequence[str]) -> set[str]:
        """Those of `subject_ids` who are enrolled. Raises `RecordTampered`."""
        return set(self.enrolled(collection, subject_ids))

    def enrolled(self, collection: Collection, subject_ids: Sequence[str]) -> dict[str, Subject]:
        """As `existing`, each with what is stored of them."""
        found = self.enrolled_or_expired(collection, subject_ids)
        living = self._living(collection, list(found.values()))
        return {subject.subject_id: subject for subject in living}

    def enrolled_or_expired(
        self, collection: Collection, subject_ids: Sequence[str]
    ) -> dict[str, Subject]:
        """The same, with those who are still to be removed. Raises `RecordTampered`."""
        if not subject_ids:
            return {}
        query = _of(collection).where(subjects.c.subject_id.in_(subject_ids))
        found = self._proof.settled(collection, lambda: _read(self._connection, query))
        return {subject.subject_id: subject for subject, _ in found}

    def shown(self, collection: Collection, subject_ids: Sequence[str]) -> dict[str, Subject]:
        """As `enrolled`, but altered or not, as `page` shows them: nothing is decided by it."""
        found = stored_people(self._connection, collection, subject_ids)
        living = self._living(collection, list(found.values()))
        return {subject.subject_id: subject for subject in living}

    def require_stored(self, collection: Collection, subject_ids: Sequence[str]) -> None:
        """Raises `RecordTampered` where one of them has templates and is not there, whom a search would
        pass over. A foreign key forbids it, which whoever owns the tables can switch off.

        Asked in one statement, so of one moment: who was erased since has no templates either.
        """
        its_person = exists().where(
            subjects.c.collection_id == templates.c.collection_id,
            subjects.c.subject_id == templates.c.subject_id,
        )
        query = select(templates.c.template_id).where(
            templates.c.collection_id == collection.collection_id,
            templates.c.subject_id.in_(subject_ids),
            ~its_person,
        )
        orphans = self._connection.execute(query).all()
        if orphans:
            where = collection.collection_id
            logger.error("record_tampered: %s people missing in collection %s", len(orphans), where)
            raise RecordTampered

    def add(self, collection: Collection, subject: Subject) -> None:
        self.add_all(collection, [subject])

    def add_all(self, collection: Collection, added: Sequence[Subject]) -> None:
        rows = [
            {**_columns(collection, subject), "seal": self._proof.seal(collection, subject)}
            for subject in added
        ]
        insert_rows(self._connection, subjects, rows)

    def update(self, collection: Collection, subject: Subject) -> None:
        """Write all that is known of a subject who exists."""
        seal = self._proof.seal(collection, subject)
        query = update(subjects).where(_is(collection, subject.subject_id))
        self._connection.execute(query.values({**_columns(collection, subject), "seal": seal}))

    def bind(self, collection: Collection, subject: Subject) -> None:
        """Write which templates somebody has, and by which change. Whatever else is kept of them may be
        moved to another key at this moment.
        """
        seal = self._proof.seal(collection, subject)
        query = update(subjects).where(_is(collection, subject.subject_id))
        self._connection.execute(query.values(change=subject.change, seal=seal))

    def count(self, collection: Collection) -> int:
        """All who are stored, also those whose time is over."""
        query = select(func.count()).select_from(subjects).where(_in(collection))
        return self._connection.execute(query).scalar_one()

    def expired(
        self, collection: Collection, limit: int, among: Sequence[str] | None = None
    ) -> list[str]:
        """The ids of up to `limit` people whose time is over; `among`: the only ones that count.

        Looked for by what the columns say, so that an index helps; then proved. Altered rows are
        not among them, and told to the operator.
        """
        query = _of(collection).where(expired(collection, self._clock()))
        if among is not None:
            query = query.where(subjects.c.subject_id.in_(among))
        over: list[str] = []
        for found in _walk(self._connection, query, limit, None):
            over += [each.subject_id for each in self._proof.genuine(collection, found)]
            if len(over) >= limit:
                break
        return over[:limit]

    def _living(self, collection: Collection, proved: Sequence[Subject]) -> list[Subject]:
        now = self._clock()
        return [subject for subject in proved if not is_expired(subject, collection.settings, now)]

    def count_expired(self, collection: Collection) -> Expired:
        """How many people's time is over, in one pass over the collection. Where that is nobody,
        `people` may be 0 as well, and no pass is made.
        """
        over = expired(collection, self._clock())
        if not self.expired(collection, 1):
            return Expired(0, 0)
        query = select(func.count().filter(over), func.count()).where(_in(collection))
        return Expired(*self._connection.execute(query.select_from(subjects)).one())

    def delete(self, collection: Collection, subject_id: str) -> int:
        """Remove the subject and all that hangs on it; returns how many templates went. A late retry of
        their enrollment brings them back no more.

        Whoever is giving the person a template of another model has ended before.
        """
        self._lock_row(collection, subject_id)
        whose = (
            idempotent_responses.c.collection_id == collection.collection_id,
            idempotent_responses.c.subject_id == subject_id,
        )
        keep_keys(self._connection, and_(*whose))
        return self.remove(collection, subject_id)

    def remove(self, collection: Collection, subject_id: str) -> int:
        """The same, of somebody who goes on under another id: all that was theirs is written there.

        Templates first, to count them; the rest goes by cascade.
        """
        delete_flags(self._connection, collection, subject_id)
        deleted = [
            self._connection.execute(
                delete(table).where(
                    table.c.collection_id == collection.collection_id,
                    table.c.subject_id == subject_id,
                )
            ).rowcount
            for table in (templates, subjects)
        ]
        self._row_sequence.give_up(collection, deleted[0])
        return deleted[0]


def all_subjects(
    connection: Connection, collection: Collection
) -> Iterator[list[tuple[Subject, bytes]]]:
    """Everybody of a collection, with their seals, a few at a time; still to be proved."""
    return _walk(connection, _of(collection), ROWS_AT_A_TIME, None)


def stored_people(
    connection: Connection, collection: Collection, subject_ids: Sequence[str]
) -> dict[str, Subject]:
    """Those of `subject_ids` who have a row, proved or not, expired or not."""
    if not subject_ids:
        return {}
    query = _of(collection).where(subjects.c.subject_id.in_(subject_ids))
    return {subject.subject_id: subject for subject, _ in _read(connection, query)}


def _walk(
    connection: Connection, query: Select[Any], limit: int, after: str | None
) -> Iterator[list[tuple[Subject, bytes]]]:
    """In the order of their ids, `limit` at a time."""
    if limit < 1:
        return
    ordered = query.order_by(subjects.c.subject_id).limit(limit)
    while True:
        behind = [] if after is None else [subjects.c.subject_id > after]
        found = _read(connection, ordered.where(*behind))
        if found:
            yield found
        if len(found) < limit:
            return
        after = found[-1][0].subject_id


def _read(connection: Connection, query: Select[Any]) -> list[tuple[Subject, bytes]]:
    """Rows with their seals, still to be proved."""
    rows = connection.execute(query).mappings()
    return [(stored_subject(row), row["seal"]) for row in rows]


def _in(collection: Collection) -> ColumnElement[bool]:
    return subjects.c.collection_id == collection.collection_id


def _is(collection: Collection, subject_id: str) -> ColumnElement[bool]:
    return _in(collection) & (subjects.c.subject_id == subject_id)


def _of(collection: Collection, subject_id: str | None = None) -> Select[Any]:
    """Of one subject, or of all. The one is named for each table: Citus asks one shard only where
    it is told, and does not conclude it from the join.
    """
    theirs = select(func.array_agg(templates.c.template_id)).where(
        templates.c.collection_id == subjects.c.collection_id,
        templates.c.subject_id == subjects.c.subject_id,
    )
    whose = [_in(collection)]
    if subject_id is not None:
        theirs = theirs.where(templates.c.subject_id == subject_id)
        whose.append(subjects.c.subject_id == subject_id)
    return select(subjects, theirs.scalar_subquery().label("template_ids")).where(*whose)


def _columns(collection: Collection, subject: Subject) -> dict[str, Any]:
    return {
        "collection_id": collection.collection_id,
        "subject_id": subject.subject_id,
        "metadata": subject.metadata,
        "enrolled_at": subject.enrolled_at,
        "expires_at": subject.expires_at,
        "consent": subject.consent,
        "change": subject.change,
    }


def stored_subject(row: Mapping[Any, Any]) -> Subject:
    """As it is stored, proved or not."""
    return Subject(
        subject_id=row["subject_id"],
        enrolled_at=row["enrolled_at"],
        metadata=row["metadata"],
        template_ids=tuple(sorted(row["template_ids"] or ())),
        expires_at=row["expires_at"],
        consent=row["consent"],
        change=row["change"],
    )
