"""Liveness sessions, by the server's clock: of several processes all must agree when one is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from service.domain.collection import Collection
from service.domain.liveness_session import (
    FORGOTTEN_AFTER,
    LASTS,
    WINDOW,
    Binding,
    Purpose,
    SessionRow,
)
from service.storage.tables import liveness_sessions as sessions

FORGOTTEN_AT_A_TIME = 100
"""Sessions that are over go when a new one begins: this many at most, so more than come."""

_NOW = func.clock_timestamp()
_OPEN = and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > _NOW)
_END: Mapping[str, Any] = {"ended_at": _NOW, "sealed": None}


@dataclass(frozen=True, slots=True)
class Count:
    """`seconds`: until the oldest of them counts no more; 0 where there are none."""

    number: int
    seconds: float


class LivenessSessions:
    """Those of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, session_id: UUID, collection: Collection, binding: Binding, sealed: bytes
    ) -> datetime:
        """Returns when it is over. What the key has begun for the same person and has not ended, ends."""
        if binding.subject is not None:
            mine = _of_subject(collection, binding.caller, binding.subject)
            self._connection.execute(update(sessions).where(mine, _OPEN).values(_END))
        row = {
            "session_id": session_id,
            "collection_id": collection.collection_id,
            "collection": collection.name,
            "caller": binding.caller,
            "purpose": binding.purpose.value,
            "subject": binding.subject,
            "created_at": _NOW,
            "expires_at": _NOW + LASTS,
            "cost": 0,
            "version": 0,
            "sealed": sealed,
        }
        query = insert(sessions).values(row).returning(sessions.c.expires_at)
        expires_at: datetime = self._connection.execute(query).scalar_one()
        return expires_at

    def find(self, session_id: UUID, caller: str) -> SessionRow | None:
        """One of the caller's."""
        return self._one(_rows(session_id, caller))

    def find_locked(self, session_id: UUID, caller: str) -> SessionRow | None:
        """The same; until the end of the transaction nobody else changes it."""
        return self._one(_rows(session_id, caller).with_for_update())

    def _one(self, query: Select[Any]) -> SessionRow | None:
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _stored(row)

    def spend(self, session: SessionRow, cost: int) -> SessionRow:
        """Before anything is looked at. What another call has begun before comes to nothing."""
        query = (
            update(sessions)
            .where(sessions.c.session_id == session.session_id)
            .values(cost=sessions.c.cost + cost, version=sessions.c.version + 1)
            .returning(sessions.c.version)
        )
        version = self._connection.execute(query).scalar_one()
        return replace(session, cost=session.cost + cost, version=version)

    def write(self, session: SessionRow, sealed: bytes, not_spent: int) -> bool:
        """Whether it was still as `session` is: used by nobody, and by no other call gone on with.

        `not_spent`: how much of what was taken before was not needed.
        """
        changed = {"sealed": sealed, "cost": sessions.c.cost - not_spent}
        query = update(sessions).where(_unchanged(session)).values(changed)
        return self._connection.execute(query).rowcount == 1

    def end(self, session: SessionRow, verdict: str) -> bool:
        """Whether it was still as `session` is. Whoever comes second waits for nobody."""
        still = (
            select(sessions.c.session_id)
            .where(_unchanged(session))
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        query = update(sessions).where(sessions.c.session_id == still)
        return self._connection.execute(query.values({**_END, "verdict": verdict})).rowcount == 1

    def open_of(self, caller: str) -> Count:
        return self._count(and_(sessions.c.caller == caller, _OPEN), LASTS)

    def failed_of(self, caller: str) -> Count:
        """Within the window: those that ended otherwise than as `live`, abandoned ones among them."""
        return self._count(_failed(sessions.c.caller == caller), WINDOW)

    def failed_of_subject(self, collection: Collection, caller: str, subject: bytes) -> Count:
        """The same, for one person."""
        return self._count(_failed(_of_subject(collection, caller, subject)), WINDOW)

    def _count(self, which: ColumnElement[bool], kept: timedelta) -> Count:
        oldest = func.min(sessions.c.created_at) + kept - _NOW
        query = select(func.count(), func.extract("epoch", oldest)).where(which)
        number, seconds = self._connection.execute(query).one()
        return Count(number, float(seconds or 0))

    def forget(self) -> None:
        """What was seen in sessions that are over, and those whole that nothing counts any more."""
        seen = and_(sessions.c.expires_at <= _NOW, sessions.c.sealed.is_not(None))
        past = sessions.c.expires_at <= _NOW - FORGOTTEN_AFTER
        self._connection.execute(update(sessions).where(_some(seen)).values(sealed=None))
        self._connection.execute(delete(sessions).where(_some(past)))

    def hand_over(self, collection: Collection, subject: bytes, other: bytes) -> None:
        """Those about one person are about the other from now on, and count for them. Keyed hashes."""
        query = update(sessions).where(
            sessions.c.collection_id == collection.collection_id, sessions.c.subject == subject
        )
        self._connection.execute(query.values(subject=other))

    def delete_of(self, collection: Collection, subjects: Sequence[bytes]) -> None:
        """`subjects`: keyed hashes."""
        query = delete(sessions).where(
            sessions.c.collection_id == collection.collection_id, sessions.c.subject.in_(subjects)
        )
        self._connection.execute(query)


def _some(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Rows in use are left alone, so that nobody waits for anybody."""
    some = select(sessions.c.session_id).where(which).limit(FORGOTTEN_AT_A_TIME)
    return sessions.c.session_id.in_(some.with_for_update(skip_locked=True))


def _rows(session_id: UUID, caller: str) -> Select[Any]:
    is_expired = (sessions.c.expires_at <= _NOW).label("is_expired")
    which = sessions.c.session_id == session_id, sessions.c.caller == caller
    return select(sessions, is_expired).where(*which)


def _stored(row: RowMapping) -> SessionRow:
    binding = Binding(row["caller"], Purpose(row["purpose"]), row["collection"], row["subject"])
    return SessionRow(
        row["session_id"],
        binding,
        row["is_expired"],
        row["ended_at"] is not None,
        row["cost"],
        row["version"],
        row["sealed"],
    )


def _unchanged(session: SessionRow) -> ColumnElement[bool]:
    return and_(
        sessions.c.session_id == session.session_id,
        sessions.c.version == session.version,
        _OPEN,
    )


def _of_subject(collection: Collection, caller: str, subject: bytes) -> ColumnElement[bool]:
    return and_(
        sessions.c.caller == caller,
        sessions.c.collection_id == collection.collection_id,
        sessions.c.subject == subject,
    )


def _failed(which: ColumnElement[bool]) -> ColumnElement[bool]:
    over = or_(sessions.c.ended_at.is_not(None), sessions.c.expires_at <= _NOW)
    return and_(
        which,
        sessions.c.created_at > _NOW - WINDOW,
        over,
        sessions.c.verdict.is_distinct_from("live"),
    )
