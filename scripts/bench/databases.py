"""PostgreSQL for benchmarks: one server a run, set up as for production, and fresh databases in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
from sqlalchemy.engine import make_url

from service.storage.embedded_server import start_embedded
from service.storage.migrations import migrate

_MEBIBYTE = 2**20


def production_settings() -> Mapping[str, str]:
    """A quarter of the memory for shared buffers, as PostgreSQL's manual advises; the rest keeps
    bulk loading and index builds from waiting for checkpoints and disks.
    """
    memory = psutil.virtual_memory().total // _MEBIBYTE
    return {
        "shared_buffers": f"{memory // 4}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "maintenance_work_mem": f"{memory // 8}MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "30min",
    }


class Databases:
    """`server_url`: of a database from which others can be created."""

    def __init__(self, server_url: str, settings: Mapping[str, str] | None = None) -> None:
        self._url = make_url(server_url)
        self.settings = settings or {}

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The SQLAlchemy URL of a migrated, empty database, dropped in the end."""
        name = f"face_bench_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        url = self._url.set(database=name).render_as_string(hide_password=False)
        try:
            migrate(url)
            yield url
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with connected(self._url.render_as_string(hide_password=False)) as connection:
            connection.execute(statement)


def connected(url: str) -> psycopg.Connection:
    """A connection of its own to the database of a SQLAlchemy URL, each statement for itself."""
    plain = make_url(url).set(drivername="postgresql")
    return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def own_server(scratch: Path | None) -> Iterator[Databases]:
    """A PostgreSQL of this run alone, in a new folder below `scratch`, gone in the end."""
    settings = production_settings()
    with tempfile.TemporaryDirectory(prefix="face-bench-", dir=scratch) as folder:
        server = start_embedded(Path(folder))
        with connected(server.url) as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        server.stop()  # most of these are read at the start only
        server.start()
        try:
            yield Databases(server.url, settings)
        finally:
            server.stop()
