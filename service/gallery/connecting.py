"""How PostgreSQL is reached: the driver, the pool, the waiting times.

Nothing is kept in a session and nothing is prepared on the server, so that PgBouncer may sit in
between and hand each transaction another connection.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

POOL_SIZE, POOL_OVERFLOW = 5, 15
"""Connections kept, and made on top under load: 20 a process, of PostgreSQL's usual 100."""

POOL_SECONDS = 10
"""How long a call waits for a connection before it is told that there is too much to do."""

CONNECT_SECONDS = 5
"""How long reaching the server may take."""

DRIVER = "postgresql+psycopg"
"""The only one that is installed, and the only database that has pgvector."""

_WITHOUT_DRIVER = {"postgresql", "postgres"}


def pooled_engine(url: str) -> Engine:
    """Connections are tried before each use: a server that restarted is not noticed otherwise."""
    return create_engine(
        driver_url(url),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        **_common(),
    )


def single_use_engine(url: str) -> Engine:
    """For a job that is done once: keeps no connection."""
    return create_engine(driver_url(url), poolclass=NullPool, **_common())


def driver_url(url: str) -> URL:
    """`url` with the installed driver named: `postgresql://…` alone would mean psycopg2."""
    given = make_url(url)
    return given.set(drivername=DRIVER) if given.drivername in _WITHOUT_DRIVER else given


def _common() -> dict[str, Any]:
    """READ COMMITTED, whatever the server's default: after waiting for a collection's lock, the
    next statement must see what the holder before it committed.
    """
    return {
        "isolation_level": "READ COMMITTED",
        "hide_parameters": True,
        "connect_args": {"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None},
    }
