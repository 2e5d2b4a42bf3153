"""What the group roles may do: the service its whole job and nothing else, the auditor read."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.api.rate_limits import WindowLimit
from service.domain.audit import AuditQuery
from service.domain.callers import Scope
from service.domain.causes import Cause
from service.domain.errors import DatabaseRightMissing, DatabaseUnavailable, FaceError
from service.storage.engine import single_use_engine
from service.storage.migrations import downgrade, migrate
from service.storage.storage import Storage
from service.storage.tables import metadata
from service.usecases.audit import ListAudit, VerifyAudit
from service.usecases.enrollment import Mode
from service.usecases.key_rotation import Keys
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey, RewrapKeys
from service.vault.vault import Vault
from tests.postgres import TestServer
from tests.usecases.service_process import CALLER, DEFAULT, Service
from tests.usecases.stand_ins import StandInCapture, StandInClock, StandInEngine
from tests.usecases.test_key_rotation import rotate

SERVICE, AUDITOR = "face_service", "face_auditor"


@contextmanager
def logged_in(server: TestServer, url: str, role: str, options: str = "") -> Iterator[str]:
    """The URL of a new login role that is a member of `role`; of none where it is empty."""
    name = f"face_test_{uuid4().hex}"
    server.run(f"CREATE ROLE {name} LOGIN PASSWORD 'x' {options}")
    if role:
        server.run(f"GRANT {role} TO {name}")
    try:
        yield make_url(url).set(username=name, password="x").render_as_string(False)
    finally:
        server.run(f"DROP ROLE {name}")


@contextmanager
def lacking_a_right() -> Iterator[None]:
    """What is done inside ends because the role was not granted it."""
    with pytest.raises(DatabaseUnavailable) as caught:
        yield
    assert caught.value.diagnosis is not None
    assert caught.value.diagnosis.cause is Cause.RIGHT_MISSING


def gallery_of(url: str, vault: Vault) -> Storage:
    return Storage(url, vault=lambda: vault, server_clock=lambda _: StandInClock()())


@pytest.fixture
def as_service(postgres_server: TestServer, database_url: str, vault: Vault) -> Iterator[Storage]:
    with logged_in(postgres_server, database_url, SERVICE) as url:
        storage = gallery_of(url, vault)
        yield storage
        storage.close()


@pytest.fixture
def auditor(
    postgres_server: TestServer, database_url: str, as_service: Storage, vault: Vault
) -> Iterator[Storage]:
    """In a database in which something was written down."""
    service_of(as_service, vault).api_keys.create("till", [Scope.TOKEN])
    with logged_in(postgres_server, database_url, AUDITOR) as url:
        storage = Storage(url)
        yield storage
        storage.close()


def service_of(storage: Storage, vault: Vault) -> Service:
    return Service(storage, vault, StandInEngine(), StandInCapture(), StandInClock())


def test_service_does_its_whole_job(as_service: Storage, vault: Vault) -> None:
    service = service_of(as_service, vault)
    as_service.check()
    service.collections.ensure_default()
    key = service.api_keys.create("till", list(Scope)).key
    assert service.api_keys.authenticate(key).name == "till"
    service.api_keys.uses.write()
    assert service.api_keys.all()[0].last_used_at is not None
    service.put("shop")
    service.enroll("kim", "kim:1", metadata={"door": 1}, idempotency_key="1")
    service.enroll("kim", "kim:2", mode=Mode.ADD)
    service.enroll("kim", "kim:3", mode=Mode.REPLACE, metadata={"door": 2})
    assert not service.verify("kim", "lee:1").decision.match
    assert service.verify("kim", "kim:1").decision.match
    assert service.found("kim:2") == ["kim"]
    rotate(service)
    service.unlock("kim")
    service.rename("kim", "kim.lee")
    service.rename("kim.lee", "kim")
    assert service.export("kim").audit
    assert list(service.purge.batches(wait=True)) == []
    WindowLimit("key", "1/minute", as_service.counters()).count("till")
    with pytest.raises(FaceError):
        service.enroll("lee", "kim:1")
    assert service.subjects.show("kim", DEFAULT).metadata == {"door": 2}
    service.erase("kim")
    service.collections.delete("shop", CALLER)
    service.collections.delete(DEFAULT, CALLER)
    service.api_keys.revoke("till")
    assert VerifyAudit(as_service, vault)().whole


def test_service_cannot_rewrap_keys(as_service: Storage, vault: Vault) -> None:
    """The audit log's key among them is the owner's to exchange."""
    service = service_of(as_service, vault)
    service.collections.ensure_default()
    rewrapping = RewrapKeys(MasterKey(bytes(KEY_BYTES)), MasterKey(bytes([9]) * KEY_BYTES))
    with lacking_a_right():
        Keys(as_service, vault, service.audit).rewrap(rewrapping, CALLER)


REFUSED_TO_THE_SERVICE = [
    "ALTER TABLE templates ADD COLUMN spy text",
    "DROP TABLE templates",
    "TRUNCATE templates",
    "CREATE TABLE spy (x int)",
    "CREATE INDEX spy ON templates (model_id)",
    "CREATE TRIGGER spy BEFORE INSERT ON templates EXECUTE FUNCTION audit_refuse()",
    "DROP FUNCTION audit_refuse",
    "ALTER TABLE audit DISABLE TRIGGER audit_only_grows",
    "DROP TRIGGER audit_only_grows ON audit",
    "UPDATE audit SET outcome = 'done'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DROP TABLE audit",
    "UPDATE audit_head SET wrapped_key = ''",
    "UPDATE audit_head SET key_id = gen_random_uuid()",
    "DELETE FROM audit_head",
    "DELETE FROM api_keys",
    "UPDATE alembic_version SET version_num = '0001'",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("statement", REFUSED_TO_THE_SERVICE)
def test_service_may_do_nothing_else(as_service: Storage, statement: str) -> None:
    with lacking_a_right(), as_service.transaction() as tx:
        tx.connection.execute(text(statement))


def test_service_may_read_every_table(as_service: Storage) -> None:
    """A revision that makes a table has to say what the service may do with it."""
    with as_service.transaction() as tx:
        for table in metadata.tables:
            tx.connection.execute(text(f"SELECT count(*) FROM {table}"))


def test_auditor_reads_the_log(auditor: Storage, vault: Vault) -> None:
    with pytest.raises(DatabaseRightMissing):  # it may read the revision, and add rows nowhere
        auditor.check()
    query = ListAudit(auditor, lambda: vault)
    with auditor.transaction() as tx:
        assert tx.connection.scalar(text("SELECT count(*) FROM audit")) == 1
    assert [one.entry.action for one in query(AuditQuery(), 10).records] == ["api_key_create"]


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - {"audit"}))
def test_auditor_reads_nothing_else(auditor: Storage, table: str) -> None:
    with lacking_a_right(), auditor.transaction() as tx:
        tx.connection.execute(text(f"SELECT * FROM {table}"))


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM audit", "UPDATE audit SET outcome = ''", "INSERT INTO audit DEFAULT VALUES"],
)
def test_auditor_changes_nothing(auditor: Storage, statement: str) -> None:
    with lacking_a_right(), auditor.transaction() as tx:
        tx.connection.execute(text(statement))


@contextmanager
def owned_by(server: TestServer, url: str, options: str = "") -> Iterator[str]:
    """The URL of the owner of the database, an ordinary role."""
    database = make_url(url).database
    with logged_in(server, url, "", options) as owner_url:
        owner = make_url(owner_url).username
        with single_use_engine(url).begin() as connection:
            connection.execute(text("CREATE EXTENSION vector"))
        server.run(f"ALTER DATABASE {database} OWNER TO {owner}")
        try:
            yield owner_url
        finally:
            server.run(f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
            with single_use_engine(url).begin() as connection:
                connection.execute(text(f"DROP OWNED BY {owner} CASCADE"))


def test_owner_who_may_make_no_roles_grants_to_those_that_exist(
    postgres_server: TestServer, empty_database_url: str, vault: Vault, database_url: str
) -> None:
    """`database_url`: by its migration the roles exist."""
    with owned_by(postgres_server, empty_database_url) as owner_url:
        migrate(owner_url)
        with logged_in(postgres_server, empty_database_url, SERVICE) as url:
            storage = gallery_of(url, vault)
            service_of(storage, vault).api_keys.create("till", [Scope.TOKEN])
            storage.close()
        downgrade(owner_url, "base")


@pytest.fixture
def no_roles(postgres_server: TestServer) -> Iterator[None]:
    """As on a server on which nobody has made them."""
    existing = [role for role in (SERVICE, AUDITOR) if _exists(postgres_server, role)]
    for role in existing:
        postgres_server.run(f"ALTER ROLE {role} RENAME TO {role}_hidden")
    yield
    for role in existing:
        postgres_server.run(f"DROP ROLE IF EXISTS {role}")
        postgres_server.run(f"ALTER ROLE {role}_hidden RENAME TO {role}")


def test_owner_who_may_make_no_roles_is_told_and_migrates_all_the_same(
    postgres_server: TestServer,
    empty_database_url: str,
    no_roles: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        owned_by(postgres_server, empty_database_url) as owner_url,
    ):
        migrate(owner_url)
        downgrade(owner_url, "base")
    told = [record.getMessage() for record in caplog.records]
    assert [role in text for role, text in zip((SERVICE, AUDITOR), told, strict=True)] == [True] * 2
    assert all("docs/roles.md" in text for text in told)


def test_owner_who_may_make_roles_makes_them_and_going_down_drops_them(
    postgres_server: TestServer, empty_database_url: str, no_roles: None
) -> None:
    with owned_by(postgres_server, empty_database_url, "CREATEROLE") as owner_url:
        migrate(owner_url)
        assert _exists(postgres_server, SERVICE)
        assert _exists(postgres_server, AUDITOR)
        downgrade(owner_url, "base")
    assert not _exists(postgres_server, SERVICE)
    assert not _exists(postgres_server, AUDITOR)


def test_going_down_leaves_roles_that_somebody_needs(
    postgres_server: TestServer, empty_database_url: str, no_roles: None
) -> None:
    migrate(empty_database_url)
    with logged_in(postgres_server, empty_database_url, SERVICE):
        downgrade(empty_database_url, "base")
        assert _exists(postgres_server, SERVICE)
    assert not _exists(postgres_server, AUDITOR)
    postgres_server.run(f"DROP ROLE {SERVICE}")


RIGHTS = text("""
    SELECT what, grantee::regrole::text, privilege_type FROM (
        SELECT relname AS what, relacl AS acl FROM pg_class
        UNION ALL SELECT relname || '.' || attname, attacl
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        UNION ALL SELECT 'schema ' || nspname, nspacl FROM pg_namespace
    ) AS objects, aclexplode(acl)
    WHERE grantee = ANY (CAST(:roles AS regrole[]))
""").bindparams(roles=[SERVICE, AUDITOR])
"""Of tables, of single columns, and of schemas."""


def rights(url: str) -> set[tuple[str, str, str]]:
    with single_use_engine(url).connect() as connection:
        return {(row[0], row[1], row[2]) for row in connection.execute(RIGHTS)}


def test_printed_statements_give_the_rights_that_the_migration_gives(
    postgres_server: TestServer, empty_database_url: str, no_roles: None
) -> None:
    """Where the migration could not make the roles, and somebody else does so afterwards."""
    with owned_by(postgres_server, empty_database_url) as owner_url:
        migrate(owner_url)
        for role in (SERVICE, AUDITOR):
            postgres_server.run(f"CREATE ROLE {role} NOLOGIN")
        assert rights(empty_database_url) == set()
        with single_use_engine(owner_url).begin() as connection:
            for statement in printed_grants():
                connection.execute(text(statement))
        printed = rights(empty_database_url)
        downgrade(owner_url, "base")
        migrate(owner_url)
        assert printed == rights(empty_database_url) != set()
        downgrade(owner_url, "base")


def printed_grants() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "roles.md").read_text("utf-8")
    _, _, section = page.partition("## If the migration could not make them")
    return re.findall(r"^    (GRANT .+);$", section, re.MULTILINE)


def _exists(server: TestServer, role: str) -> bool:
    with single_use_engine(server.url.render_as_string(False)).connect() as connection:
        query = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
        return bool(connection.scalar(query, {"role": role}))
