"""From what the driver raises to what a caller can act upon.

PostgreSQL's own words quote the offending row ("Key (subject_id)=(kim) already exists"), so they
are never passed on. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import DataError, Error, OperationalError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    FaceError,
    Overloaded,
    RecordTampered,
)
from service.gallery.causes import diagnosis_of
from service.gallery.citus import lost_a_worker

_logger = logging.getLogger(__name__)

_OVERLOADED = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "53300",  # too_many_connections
    "55P03",  # lock_not_available: lock_timeout
    "57014",  # query_canceled: statement_timeout
    # Two callers did the same at the same time and this one came second. Made again, its call
    # sees what the first one did, and gets the answer that belongs to that.
    "23503",  # foreign_key_violation
    "23505",  # unique_violation
}
_NOT_MIGRATED = {
    "42P01",  # undefined_table
    "42703",  # undefined_column
    "42704",  # undefined_object: the type halfvec
}
_UNAVAILABLE = {
    "25006",  # read_only_sql_transaction: a replica, as after a failover
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "3D000",  # invalid_catalog_name: no such database
    "42501",  # insufficient_privilege: the role was not granted what docs/roles.md lists
}
_UNAVAILABLE_CLASSES = (
    "08",  # connection exception
    "53",  # insufficient resources: disk_full, out_of_memory
    "57",  # operator intervention: the server stops, starts or recovers
    "58",  # system error: a file that cannot be read or written
)


_NO_MOMENT = re.compile(r"(?:timestamp|date) too (?:small|large) ")
"""The driver's words for a column that holds `infinity`, or a year that Python does not know. The
service writes none, and no seal can be compared with what cannot be read."""


class QueryFailed(Exception):
    """A fault of ours, or of the server: code, constraint and statement, but no values."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises `Overloaded`, `DatabaseUnavailable`, `DatabaseNotMigrated`, `RecordTampered` or
    `QueryFailed`.
    """
    try:
        yield
    except PoolTimeout:
        raise Overloaded from None
    except DBAPIError as error:
        raise _translation(error.orig, error.statement) from None
    except Error as error:
        raise _translation(error, "what the driver was given itself") from None


def _translation(error: BaseException | None, statement: str | None) -> Exception:
    code = getattr(error, "sqlstate", None)
    diagnosis = diagnosis_of(error)
    failure = _by_code(code) if code else _by_words(error, diagnosis)
    if isinstance(error, Error) and lost_a_worker(error):
        failure = DatabaseUnavailable()
    if failure is None:
        return QueryFailed(f"sqlstate {code}, {_constraint(error)}, in: {statement}")
    failure.diagnosis = diagnosis
    cause = diagnosis.cause if diagnosis else type(error).__name__
    _logger.warning("%s: %s, sqlstate %s", failure.code, cause, code)
    return failure


def _by_code(code: str) -> FaceError | None:
    if code in _OVERLOADED:
        return Overloaded()
    if code in _NOT_MIGRATED:
        return DatabaseNotMigrated()
    if code in _UNAVAILABLE or code.startswith(_UNAVAILABLE_CLASSES):
        return DatabaseUnavailable()
    return None


def _by_words(error: BaseException | None, diagnosis: Diagnosis | None) -> FaceError | None:
    """No code: it did not come from a running query, but from connecting, or the line broke."""
    if diagnosis is not None and diagnosis.cause == Cause.TOO_MANY_CONNECTIONS:
        return Overloaded()
    if isinstance(error, DataError) and _NO_MOMENT.match(str(error)):
        return RecordTampered()
    return DatabaseUnavailable() if diagnosis or isinstance(error, OperationalError) else None


def _constraint(error: BaseException | None) -> str:
    return f"constraint {getattr(getattr(error, 'diag', None), 'constraint_name', None)}"
