"""Whose time is over, as a condition of SQL.

When somebody is expired is decided in the domain, by `is_expired` of `domain/expiry.py`: it judges rows that were proved,
of which a column alone could have been altered. This is the same rule for the database, so that it
reads no rows of the expired, and an index finds them; `tests/storage/test_expiry.py` binds the two.

Every read of rows about people leaves the expired out, so that they are gone from that very moment,
however long the purge takes to come by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
)

from service.domain.collection import Collection
from service.storage.tables import subjects

Clock = Callable[[], datetime]
ServerClock = Callable[[Connection], datetime]


def server_time(connection: Connection) -> datetime:
    """The server's clock now, not at the transaction's start."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def expired(collection: Collection, now: datetime) -> ColumnElement[bool]:
    """Of rows of `subjects`; never NULL."""
    own = and_(subjects.c.expires_at.is_not(None), subjects.c.expires_at <= now)
    days = collection.settings.retention_days
    kept = false() if days is None else subjects.c.enrolled_at <= now - timedelta(days=days)
    return or_(own, kept)


def alive(collection: Collection, now: datetime) -> ColumnElement[bool]:
    """Of rows of `subjects`."""
    return not_(expired(collection, now))


def of_the_living(
    table: Table, collection: Collection, now: datetime, subject_ids: Sequence[str] | None = None
) -> ColumnElement[bool]:
    """Of rows of a table that hangs on `subjects`. `subject_ids`: whose rows alone are asked for,
    where that is known; so that Citus, too, knows it, and asks their shards only.

    Asks whether somebody is expired rather than whether they live: PostgreSQL then compares
    faces first and looks up only those few whose face fits (measured: a search of 50,000 costs
    the same with this condition and without).
    """
    their_own = and_(
        subjects.c.collection_id == table.c.collection_id,
        subjects.c.subject_id == table.c.subject_id,
    )
    in_collection = subjects.c.collection_id == collection.collection_id
    theirs = [] if subject_ids is None else [subjects.c.subject_id.in_(subject_ids)]
    return not_(exists().where(in_collection, their_own, *theirs, expired(collection, now)))
