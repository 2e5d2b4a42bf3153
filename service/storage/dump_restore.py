"""The database as a whole: a dump of one moment, and an empty database that takes it up.

`DatabaseDumps` says what may be dumped and loaded where, `DumpProgram` runs pg_dump and pg_restore.
Passwords reach them by their environment: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, TextClause, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from service.domain.causes import Cause
from service.domain.errors import CopyFailed, DatabaseNotEmpty, DatabaseUnsuitable
from service.storage.embedded_programs import programs
from service.storage.engine import (
    CONNECT_SECONDS,
    driver_url,
    is_encrypted,
    require_one_server,
    single_use_engine,
)
from service.storage.failures import translated
from service.storage.migrations import known_revisions, migrate
from service.storage.suitability import make_suitable
from service.storage.tables import REVISION
from service.vault.archive import Contents

_logger = logging.getLogger(__name__)

_LOCK_WAIT = "--lock-wait-timeout=60s"
"""How long pg_dump waits for a migration to end before it gives up."""

_OF_THE_MOMENT = "--no-unlogged-table-data"
"""Counted calls and hashes of frames: a backup would keep for months what is to go within a day."""

_BACKUP = ("face backup", "docs/citus.md, pgBackRest")
"""A snapshot is one server's: a dump of several would be of as many moments."""

_LONG = text(
    "SELECT set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true)"
)
"""Counting takes as long as it takes, and the snapshot must be kept until pg_dump has it."""

_RELATIONS = text("""
    SELECT c.relname AS name, format('%I.%I', n.nspname, c.relname) AS path,
           c.relkind = 'r' AND c.relpersistence = 'p' AS rows
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
""")
"""All that somebody made in this database, except by installing an extension."""

_GRANTEES = text("""
    SELECT DISTINCT r.rolname FROM pg_shdepend AS d JOIN pg_roles AS r ON r.oid = d.refobjid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('a', 'r')
      AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY 1
""")
_REVISION = text("SELECT version_num FROM alembic_version")
_MODELS = text("SELECT DISTINCT model_id FROM collections WHERE model_id IS NOT NULL ORDER BY 1")
_SERVER = text("SELECT split_part(current_setting('server_version'), ' ', 1)")
_PGVECTOR = text("""
    SELECT coalesce(installed_version, default_version) FROM pg_available_extensions
    WHERE name = 'vector'
""")
_ROLES = text("SELECT rolname FROM pg_roles")

_NOT_PERMITTED = "42501"


class DatabaseSnapshot:
    """The database as it was at one moment, whatever happens to it meanwhile; for as long as its
    transaction lasts.
    """

    def __init__(self, connection: Connection, url: str) -> None:
        require_one_server(connection, *_BACKUP)
        connection.execute(_LONG)
        self.contents = _contents(connection)
        self._name = connection.scalar(text("SELECT pg_export_snapshot()"))
        self._url = url
        self._encrypted = is_encrypted(connection)

    def dump(self) -> Iterator[bytes]:
        """All of it, in PostgreSQL's custom format. Raises `CopyFailed`, `DatabaseUnsuitable`."""
        server = _major_of_server(self.contents.postgresql)
        program = DumpProgram("pg_dump", self._url, server, encrypted=self._encrypted)
        yield from program.output(
            "--format=custom", f"--snapshot={self._name}", _LOCK_WAIT, _OF_THE_MOMENT
        )


class DatabaseDumps:
    """Dumps of a database, and dumps loaded into it. `url` as for `Storage`, but past any pooler: the
    dump's snapshot belongs to a session.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.newest_revision = REVISION

    def knows(self, revision: str) -> bool:
        """Whether this code can migrate a database of that revision."""
        return revision in known_revisions()

    @contextmanager
    def snapshot(self) -> Iterator[DatabaseSnapshot]:
        """Raises `DatabaseUnavailable`, `DatabaseNotMigrated`, `DatabaseUnsuitable`,
        `DatabaseDistributed`.
        """
        engine = single_use_engine(self._url).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with translated(), engine.connect() as connection:
            yield DatabaseSnapshot(connection, self._url)

    def require_place_for(self, contents: Contents) -> None:
        """Raises `DatabaseNotEmpty`, `DatabaseUnsuitable`, `DatabaseUnavailable`."""
        with translated(), single_use_engine(self._url).connect() as connection:
            if connection.execute(_RELATIONS).first() is not None:
                raise DatabaseNotEmpty
            _require_postgresql(contents, connection.execute(_SERVER).scalar_one())
            _require_pgvector(contents, connection.scalar(_PGVECTOR))
            make_suitable(connection)  # to find out whether this role may: it is never committed

    def load(self, contents: Contents, dump: Iterable[bytes]) -> None:
        """All of it or nothing, also where `dump` raises. Raises `CopyFailed`, `DatabaseUnsuitable`, `DatabaseUnavailable`.

        Everything belongs to who restores it, under whatever name the owner had before.
        """
        with translated(), single_use_engine(self._url).begin() as connection:
            server = _major_of_server(connection.execute(_SERVER).scalar_one())
            _create_missing_roles(connection, contents.roles)
            encrypted = is_encrypted(connection)
        needed = max(server, _major_of_server(contents.postgresql))
        flags = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-comments")
        program = DumpProgram("pg_restore", self._url, needed, encrypted=encrypted)
        program.feed(dump, *flags)

    def migrate(self) -> None:
        """Raises `DatabaseUnavailable`, `Overloaded`."""
        migrate(self._url)


def _contents(connection: Connection) -> Contents:
    """Raises `DatabaseUnsuitable` where the role may not read everything."""
    try:
        return Contents(
            revision=connection.execute(_REVISION).scalar_one(),
            postgresql=connection.execute(_SERVER).scalar_one(),
            pgvector=connection.execute(_PGVECTOR).scalar_one(),
            model_ids=tuple(connection.scalars(_MODELS)),
            roles=tuple(connection.scalars(_GRANTEES)),
            rows=_rows(connection),
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_PERMITTED:
            raise
        raise DatabaseUnsuitable().because(Cause.NOT_OWNER) from None


def _rows(connection: Connection) -> dict[str, int]:
    return {
        each.name: connection.execute(_count(each.path)).scalar_one()
        for each in connection.execute(_RELATIONS).all()
        if each.rows
    }


def _count(path: str) -> TextClause:
    """`path` was quoted by the server."""
    return text(f"SELECT count(*) FROM {path}")  # noqa: S608


def _require_postgresql(contents: Contents, version: str) -> None:
    if _major_of_server(version) < _major_of_server(contents.postgresql):
        raise _older("PostgreSQL", contents.postgresql, version)


def _require_pgvector(contents: Contents, version: str | None) -> None:
    if version is None:
        raise DatabaseUnsuitable().because(Cause.EXTENSION_UNAVAILABLE)
    if _feature_version(version) < _feature_version(contents.pgvector):
        raise _older("pgvector", contents.pgvector, version)


def _older(product: str, backup: str, server: str) -> DatabaseUnsuitable:
    cause = Cause.BACKUP_OF_NEWER_SERVER
    return DatabaseUnsuitable().because(cause, product=product, backup=backup, server=server)


def _create_missing_roles(connection: Connection, roles: Iterable[str]) -> None:
    """Those that were granted something belong to the server, not to the database, so that no dump
    has them. They come without the right to log in: that and passwords are the operator's to give.
    """
    missing = sorted(set(roles) - set(connection.scalars(_ROLES)))
    quote = connection.dialect.identifier_preparer.quote_identifier
    for role in missing:
        try:
            connection.execute(text(f"CREATE ROLE {quote(role)} NOLOGIN"))
        except DBAPIError:
            roles = ", ".join(missing)
            raise DatabaseUnsuitable().because(Cause.ROLES_MISSING, roles=roles) from None


def _major_of_server(version: str) -> int:
    return int(version.partition(".")[0])


def _feature_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


_READ_BYTES = 1024 * 1024
_SECRETS = ("password", "sslpassword")
_WITHOUT_DEMAND = (None, "disable", "allow", "prefer")
"""Values of sslmode, the default first, with which TLS may be left out."""

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class DumpProgram:
    """One of the two, fit for a server of the major version `server` and the database at `url`.

    Raises `DatabaseUnsuitable` where none is new enough: pg_dump refuses a server newer than
    itself. Of those that are, the oldest is taken: a newer pg_restore sets what an older server
    does not know. `encrypted`: the service's own connection is, and then so is this one.
    """

    def __init__(self, name: str, url: str, server: int, *, encrypted: bool = False) -> None:
        self.name = name
        self._path = _program(name, server, encrypted=encrypted)
        self._url = url
        self._encrypted = encrypted

    def output(self, *arguments: str) -> Iterator[bytes]:
        """What it writes. Raises `CopyFailed`; an unfinished one is killed."""
        with self._running(*arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - asked for above
            while part := process.stdout.read(_READ_BYTES):
                yield part

    def feed(self, parts: Iterable[bytes], *arguments: str) -> None:
        """Hand it `parts`. Raises `CopyFailed`; where `parts` raises, it is killed."""
        with self._running(*arguments, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None  # noqa: S101 - asked for above
            with suppress(BrokenPipeError):  # it ended early: its status says why
                for part in parts:
                    process.stdin.write(part)
                process.stdin.close()

    @contextmanager
    def _running(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        address, secrets = _address(self._url, encrypted=self._encrypted)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, no shell
                [self._path, "--no-password", f"--dbname={address}", *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=said,
                env={**os.environ, **secrets},
            )
            try:
                yield process
                process.wait()
            finally:
                _end(process)
            if process.returncode != 0:
                self._fail(said)

    def _fail(self, said: IO[bytes]) -> None:
        """Only the lines of errors are told: details and context quote rows, and with them ids."""
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        errors = [line for line in lines if line.startswith(f"{self.name}: error:")]
        for line in errors:
            _logger.error("%s", line)
        cause = errors[0].partition("error: ")[2] if errors else "see its log"
        raise CopyFailed(program=self.name, cause=cause)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def _address(url: str, *, encrypted: bool) -> tuple[str, dict[str, str]]:
    """What may stand on a command line, and the environment that holds the rest.

    Left to itself libpq would go on in plain text where TLS fails.
    SQLAlchemy adds objects that are psycopg's business, and nothing to libpq.
    """
    engine = create_engine(driver_url(url), poolclass=NullPool)
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = parameters.get("password")
    shown: dict[str, Any] = {
        name: value
        for name, value in parameters.items()
        if name not in _SECRETS and isinstance(value, str | int)
    }
    if encrypted and shown.get("sslmode") in _WITHOUT_DEMAND:
        shown["sslmode"] = "require"
    address = make_conninfo(**{"connect_timeout": CONNECT_SECONDS, **shown})
    return address, {} if password is None else {"PGPASSWORD": str(password)}


def _program(name: str, server: int, *, encrypted: bool) -> str:
    """Not the embedded one where TLS is needed: it is built without."""
    folders = (None,) if encrypted else (str(programs()), None)
    found = {path for folder in folders if (path := shutil.which(name, path=folder))}
    fit = sorted((major, path) for path in found if (major := _major(path)) >= server)
    if not fit:
        cause = Cause.DUMP_PROGRAM_WITHOUT_TLS if encrypted else Cause.DUMP_PROGRAM_MISSING
        raise DatabaseUnsuitable().because(cause, program=name, server=server)
    return fit[0][1]


def _major(path: str) -> int:
    """0 where it does not say."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True)  # noqa: S603
    version = _VERSION.search(answer.stdout)
    return int(version[1]) if version else 0
