"""Who was flagged as looking like whom, and what a person has decided about the two.

A row hangs on whoever was enrolled and goes with them; `delete_flags` takes those that name somebody as
the other one. All that writes rows here holds the lock of the collection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from service.domain.collection import Collection, Subject
from service.domain.flagged_duplicate import (
    DuplicateDecision,
    FlaggedDuplicate,
    FlagPlace,
    FlagStatus,
    Resolution,
    decision_record,
    flag_seal,
)
from service.storage.audit_head import AuditHeadRow
from service.storage.queries import Query, run
from service.storage.tables import flagged_duplicates as flags

logger = logging.getLogger(__name__)

ROWS_AT_A_TIME = 1000
"""Read at a time where all are read."""

READINGS = 5
"""Of rows that somebody else changes meanwhile."""

_WRITTEN = b"SELECT audit_id FROM audit WHERE audit_id = ANY(%(records)s)"


People = Callable[[Collection, Sequence[str]], Mapping[str, Subject]]
"""Those of some ids who are stored, by id."""


@dataclass(frozen=True, slots=True)
class StoredFlag:
    """A row and its seal, still to be proved."""

    flagged: FlaggedDuplicate
    seal: bytes


class FlaggedDuplicateRows:
    """Those of one transaction. What decides is asked of `genuine` first."""

    def __init__(self, connection: Connection, head: AuditHeadRow) -> None:
        self._connection = connection
        self._head = head

    def find(self, collection: Collection, duplicate_id: UUID) -> list[StoredFlag]:
        """One row, unless somebody else than the service has written here."""
        return self._read(_in(collection).where(flags.c.duplicate_id == duplicate_id))

    def of(self, collection: Collection, subject_ids: Sequence[str]) -> list[StoredFlag]:
        """All that name one of these people, newest first."""
        named = or_(flags.c.subject_id.in_(subject_ids), flags.c.duplicate_of.in_(subject_ids))
        return self._read(_newest_first(_in(collection).where(named)))

    def page(
        self, collection: Collection, status: FlagStatus, limit: int, after: FlagPlace | None
    ) -> list[StoredFlag]:
        """Up to `limit`, newest first, those behind `after`."""
        is_open = flags.c.decision.is_(None)
        query = _in(collection).where(is_open if status is FlagStatus.OPEN else ~is_open)
        if after is not None:
            place = tuple_(flags.c.flagged_at, flags.c.duplicate_id)
            query = query.where(place < tuple_(after.flagged_at, after.duplicate_id))
        return self._read(_newest_first(query).limit(limit))

    def genuine(
        self, collection: Collection, stored: Sequence[StoredFlag], people: Mapping[str, Subject]
    ) -> list[FlaggedDuplicate]:
        """Those about two of `people` that are as they were written last; others of them are the
        operator's business, and at once.
        """
        about = [one for one in stored if one.flagged.pair <= people.keys()]
        found = self._proved(collection, about, people)
        if altered := len(about) - len(found):
            where = collection.collection_id
            logger.error("record_tampered: %s flagged duplicates in collection %s", altered, where)
        return found

    def settled(
        self, collection: Collection, read: Callable[[], list[StoredFlag]], people: People
    ) -> tuple[list[StoredFlag], list[FlaggedDuplicate]]:
        """What `read` finds, and those of it that are genuine, without the lock of the collection.

        Row, people and log are read by three statements: a row of which one was changed in between is
        another one, or gone, when it is read again; an altered one is the same.
        """
        found = read()
        for _ in range(READINGS):
            there = people(collection, _named(found))
            about = [one for one in found if one.flagged.pair <= there.keys()]
            genuine = self._proved(collection, about, there)
            if len(genuine) == len(about):
                return found, genuine
            again = read()
            if again == found:
                break
            found = again
        return found, self.genuine(collection, found, people(collection, _named(found)))

    def altered(self, collection: Collection, stored_people: People) -> int:
        """How many rows of the collection are not as they were written last."""
        number = 0
        for stored in self._all(collection):
            people = stored_people(collection, _named(stored))
            about = [one for one in stored if one.flagged.pair <= people.keys()]
            number += len(stored) - len(self._proved(collection, about, people))
        return number

    def put(
        self,
        collection: Collection,
        flagged: Sequence[FlaggedDuplicate],
        people: Mapping[str, Subject],
    ) -> None:
        """Write these, in the place of what was written about the same two in the same order."""
        for one in flagged:
            row = _columns(collection, one) | {"seal": self._seal(collection, one, people)}
            query = upsert(flags).values(row)
            changed = {name: query.excluded[name] for name in row if name not in flags.primary_key}
            self._connection.execute(
                query.on_conflict_do_update(constraint=flags.primary_key, set_=changed)
            )

    def decide(
        self, collection: Collection, flagged: FlaggedDuplicate, people: Mapping[str, Subject]
    ) -> UUID:
        """Write the decision about a row that is there; returns the id that its audit record is to have."""
        self.put(collection, [flagged], people)
        return decision_record(flagged, flagged.decisions, self._head.begun())

    def delete(self, collection: Collection, flagged: Sequence[FlaggedDuplicate]) -> None:
        for one in flagged:
            self._connection.execute(delete(flags).where(_is(collection, one)))

    def _proved(
        self, collection: Collection, stored: Sequence[StoredFlag], people: Mapping[str, Subject]
    ) -> list[FlaggedDuplicate]:
        sealed = [
            one.flagged for one in stored if one.seal == self._seal(collection, one.flagged, people)
        ]
        overruled = self._overruled(sealed)
        return [one for one in sealed if one.duplicate_id not in overruled]

    def _overruled(self, sealed: Sequence[FlaggedDuplicate]) -> set[UUID]:
        """Those whose next decision is in the log already: they are from before it, and were put back."""
        if not sealed:
            return set()
        keyed = self._head.begun()
        following = {
            decision_record(one, one.decisions + 1, keyed): one.duplicate_id for one in sealed
        }
        [rows] = run(self._connection, Query(_WRITTEN, {"records": list(following)}))
        return {following[row["audit_id"]] for row in rows}

    def _seal(
        self, collection: Collection, flagged: FlaggedDuplicate, people: Mapping[str, Subject]
    ) -> bytes:
        return flag_seal(collection.collection_id, flagged, people, self._head.begun())

    def _read(self, query: Select[Any]) -> list[StoredFlag]:
        return [_stored(row) for row in self._connection.execute(query).mappings()]

    def _all(self, collection: Collection) -> Iterator[list[StoredFlag]]:
        place = (flags.c.subject_id, flags.c.duplicate_of)
        query = _in(collection).order_by(*place).limit(ROWS_AT_A_TIME)
        while found := self._read(query):
            yield found
            last = found[-1].flagged
            behind = tuple_(*place) > tuple_(last.subject_id, last.duplicate_of)
            query = _in(collection).where(behind).order_by(*place).limit(ROWS_AT_A_TIME)


def _named(stored: Sequence[StoredFlag]) -> list[str]:
    return sorted({each for one in stored for each in one.flagged.pair})


def delete_flags(connection: Connection, collection: Collection, subject_id: str) -> None:
    """Those that name somebody, who is about to go, as the one that another looked like. Looked up
    first, and deleted each by its own key: so Citus deletes on one server at a time.
    """
    named = _in(collection).where(flags.c.duplicate_of == subject_id)
    for row in connection.execute(named).mappings().all():
        connection.execute(delete(flags).where(_is(collection, _stored(row).flagged)))


def _in(collection: Collection) -> Select[Any]:
    return select(flags).where(flags.c.collection_id == collection.collection_id)


def _is(collection: Collection, flagged: FlaggedDuplicate) -> ColumnElement[bool]:
    return and_(
        flags.c.collection_id == collection.collection_id,
        flags.c.subject_id == flagged.subject_id,
        flags.c.duplicate_of == flagged.duplicate_of,
    )


def _newest_first(query: Select[Any]) -> Select[Any]:
    return query.order_by(flags.c.flagged_at.desc(), flags.c.duplicate_id.desc())


def _columns(collection: Collection, flagged: FlaggedDuplicate) -> dict[str, Any]:
    resolution = flagged.resolution
    return {
        "collection_id": collection.collection_id,
        "subject_id": flagged.subject_id,
        "duplicate_of": flagged.duplicate_of,
        "duplicate_id": flagged.duplicate_id,
        "similarity": flagged.similarity,
        "flagged_at": flagged.flagged_at,
        "decision": None if resolution is None else resolution.decision.value,
        "decided_at": None if resolution is None else resolution.at,
        "decided_by": None if resolution is None else resolution.by,
        "decisions": flagged.decisions,
    }


def _stored(row: RowMapping) -> StoredFlag:
    resolution = None
    if row["decision"] is not None:
        decision = DuplicateDecision(row["decision"])
        resolution = Resolution(decision, row["decided_at"], row["decided_by"], row["decisions"])
    flagged = FlaggedDuplicate(
        row["duplicate_id"],
        row["subject_id"],
        row["duplicate_of"],
        row["similarity"],
        row["flagged_at"],
        resolution,
    )
    return StoredFlag(flagged, row["seal"])
