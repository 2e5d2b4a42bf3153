"""Counters of calls in PostgreSQL, for the library `limits`: every process counts in one place.

A window is one row, and a call is one statement outside any transaction, on a table that is not
logged: nothing waits for the disk. The server's clock decides, whatever the processes' own say.
"""

from __future__ import annotations

import time
from datetime import timedelta

from limits.storage import Storage as CounterStorage
from sqlalchemy import Delete, Engine, Executable, and_, bindparam, case, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from service.storage.failures import translated
from service.storage.tables import rate_counters as counters

SWEPT_AT_A_TIME = 100
"""Windows that are over go when a new one starts: this many at most, so more than come."""

LONGEST_WINDOW = timedelta(days=1)
"""The settings take no longer one. What would end later began by a clock that was far ahead, and
would shut its callers out for as long as that.
"""

_NOW = func.clock_timestamp()
_END = _NOW + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds"))
_IS_OVER = or_(counters.c.ends_at <= _NOW, counters.c.ends_at > _NOW + LONGEST_WINDOW)
_CURRENT = and_(counters.c.key == bindparam("key"), ~_IS_OVER)

_COUNT = (
    insert(counters)
    .values(key=bindparam("key"), calls=bindparam("amount"), ends_at=_END)
    .on_conflict_do_update(
        constraint="rate_counters_pk",
        set_={
            "calls": case(
                (_IS_OVER, bindparam("amount")), else_=counters.c.calls + bindparam("amount")
            ),
            "ends_at": case((_IS_OVER, _END), else_=counters.c.ends_at),
        },
    )
    .returning(counters.c.calls)
)
"""One statement, so that of simultaneous calls none is lost: the row's lock orders them."""

_SWEEP = delete(counters).where(
    counters.c.key.in_(
        select(counters.c.key)
        .where(_IS_OVER)
        .limit(SWEPT_AT_A_TIME)
        .with_for_update(skip_locked=True)
    )
)
"""Rows in use are left alone: sweepers wait for nobody."""

_CALLS = select(counters.c.calls).where(_CURRENT)
_SECONDS_LEFT = select(func.extract("epoch", counters.c.ends_at - _NOW)).where(_CURRENT)
_WINDOWS = select(func.count()).select_from(counters)
_FORGET = delete(counters).where(counters.c.key == bindparam("key"))


class CallCounters(CounterStorage):
    """Fixed windows: a window starts with its first call.

    Every method raises `DatabaseUnavailable`, `Overloaded`, `DatabaseNotMigrated`.
    """

    STORAGE_SCHEME = None  # has no address of its own

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    @property
    def base_exceptions(self) -> type[Exception]:
        """Of no use here: they are translated before the library sees them."""
        return DBAPIError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` calls in the window of `expiry` seconds; how many there are now."""
        calls = int(self._value(_COUNT, key=key, seconds=expiry, amount=amount))
        if calls == amount:
            self._change(_SWEEP)
        return calls

    def get(self, key: str) -> int:
        """Calls in the current window."""
        return int(self._value(_CALLS, key=key))

    def get_expiry(self, key: str) -> float:
        """When the current window ends: seconds since 1970, by this process's clock."""
        return time.time() + self._value(_SECONDS_LEFT, key=key)

    def check(self) -> bool:
        self._value(_WINDOWS)
        return True

    def clear(self, key: str) -> None:
        self._change(_FORGET, key=key)

    def reset(self) -> int:
        """Forget all calls; how many windows there were."""
        return self._change(delete(counters))

    def _value(self, query: Executable, **values: object) -> float:
        """The one value; 0 where there is none."""
        with translated(), self._engine.connect() as connection:
            return float(connection.execute(query, values).scalar_one_or_none() or 0)

    def _change(self, query: Delete, **values: object) -> int:
        with translated(), self._engine.connect() as connection:
            return connection.execute(query, values).rowcount
