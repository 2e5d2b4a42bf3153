"""The database as a whole: a dump of one moment, and an empty one that takes it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from service.domain.backup import Contents
from service.domain.causes import Cause
from service.domain.errors import DatabaseNotEmpty, DatabaseUnsuitable
from service.gallery.citus import require_one_server
from service.gallery.connecting import is_encrypted, single_use_engine
from service.gallery.dump_programs import DumpProgram
from service.gallery.failures import translated
from service.gallery.migrations import head, known_revisions, migrate
from service.gallery.suitability import make_suitable

_LOCK_WAIT = "--lock-wait-timeout=60s"
"""How long pg_dump waits for a migration to end before it gives up."""

_BACKUP = ("face backup", "docs/citus.md, pgBackRest")
"""A snapshot is one server's: a dump of several would be of as many moments."""

_LONG = text(
    "SELECT set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true)"
)
"""Counting takes as long as it takes, and the snapshot must be kept until pg_dump has it."""

_RELATIONS = text("""
    SELECT c.relname AS name, format('%I.%I', n.nspname, c.relname) AS path, c.relkind = 'r' AS rows
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


class PostgresSnapshot:
    """Implements `Snapshot`, for as long as its transaction lasts."""

    def __init__(self, connection: Connection, url: str) -> None:
        require_one_server(connection, *_BACKUP)
        connection.execute(_LONG)
        self.contents = _contents(connection)
        self._name = connection.scalar(text("SELECT pg_export_snapshot()"))
        self._url = url
        self._encrypted = is_encrypted(connection)

    def dump(self) -> Iterator[bytes]:
        """PostgreSQL's custom format. Raises `CopyFailed`, `DatabaseUnsuitable`."""
        server = _major(self.contents.postgresql)
        program = DumpProgram("pg_dump", self._url, server, encrypted=self._encrypted)
        yield from program.output("--format=custom", f"--snapshot={self._name}", _LOCK_WAIT)


class PostgresCopies:
    """Implements `Copies`. `url` as for `PostgresGallery`, but past any pooler: the dump's
    snapshot belongs to a session.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.newest_revision = head()

    def knows(self, revision: str) -> bool:
        return revision in known_revisions()

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        """Raises `DatabaseUnavailable`, `DatabaseNotMigrated`, `DatabaseUnsuitable`,
        `DatabaseDistributed`.
        """
        engine = single_use_engine(self._url).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with translated(), engine.connect() as connection:
            yield PostgresSnapshot(connection, self._url)

    def require_place_for(self, contents: Contents) -> None:
        """Raises `DatabaseNotEmpty`, `DatabaseUnsuitable`, `DatabaseUnavailable`."""
        with translated(), single_use_engine(self._url).connect() as connection:
            if connection.execute(_RELATIONS).first() is not None:
                raise DatabaseNotEmpty
            _require_postgresql(contents, connection.execute(_SERVER).scalar_one())
            _require_pgvector(contents, connection.scalar(_PGVECTOR))
            make_suitable(connection)  # to find out whether this role may: it is never committed

    def load(self, contents: Contents, dump: Iterable[bytes]) -> None:
        """In one transaction. Raises `CopyFailed`, `DatabaseUnsuitable`, `DatabaseUnavailable`.

        Everything belongs to who restores it, under whatever name the owner had before.
        """
        with translated(), single_use_engine(self._url).begin() as connection:
            server = _major(connection.execute(_SERVER).scalar_one())
            _create_missing_roles(connection, contents.roles)
            encrypted = is_encrypted(connection)
        needed = max(server, _major(contents.postgresql))
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
    if _major(version) < _major(contents.postgresql):
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


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _feature_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
