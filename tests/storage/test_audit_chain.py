"""The audit log in the database: it only grows, its chain holds under many writers, and whoever
gets around the triggers is found out.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from service.domain.audit import Action, AuditEntry
from service.domain.chain import AUDIT_KEY
from service.domain.errors import (
    AuditTampered,
    DatabaseUnavailable,
    MasterKeyInvalid,
    MasterKeyMissing,
)
from service.domain.integrity import Break, Checkpoint, Flaw, LogVerdict, check
from service.storage.storage import Storage
from service.usecases.audit import VerifyAudit
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from tests.storage.people import collection
from tests.usecases.service_process import Tables

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WRITERS, EACH = 8, 15
LENGTH = 6

APPEND = """
import sys
from tests.storage.test_audit_chain import append, gallery_on
gallery = gallery_on(sys.argv[1])
for _ in range(int(sys.argv[2])):
    append(gallery)
gallery.close()
"""


def gallery_on(url: str) -> Storage:
    return Storage(url, vault=lambda: Vault(MasterKey(bytes(KEY_BYTES))))


def append(storage: Storage, count: int = 1) -> None:
    """In one transaction."""
    with storage.transaction() as tx:
        for _ in range(count):
            tx.audit.append(AuditEntry(uuid4(), NOW, "till", Action.ENROLL, "default", bytes(32)))


def verdict(storage: Storage, vault: Vault, expected: Checkpoint | None = None) -> LogVerdict:
    return VerifyAudit(storage, vault)(expected).log


@pytest.fixture
def tables(database_url: str) -> Tables:
    return Tables(database_url)


@pytest.fixture
def written(storage: Storage) -> Storage:
    append(storage, LENGTH)
    return storage


def test_chain_of_many_threads_is_whole(storage: Storage, vault: Vault) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(append, [storage] * (WRITERS * EACH)))
    found = verdict(storage, vault)
    assert (found.records, found.broken) == (WRITERS * EACH, None)


def test_chain_of_several_processes_is_whole(
    storage: Storage, vault: Vault, database_url: str
) -> None:
    command = [sys.executable, "-c", APPEND, database_url, str(EACH)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    found = verdict(storage, vault)
    assert (found.records, found.broken) == (3 * EACH, None)


def test_rolled_back_entry_leaves_no_gap(storage: Storage, vault: Vault) -> None:
    def fail() -> None:
        with storage.transaction() as tx:
            tx.audit.append(AuditEntry(uuid4(), NOW, "till", Action.ENROLL))
            raise ZeroDivisionError

    append(storage)
    with pytest.raises(ZeroDivisionError):
        fail()
    append(storage)
    assert verdict(storage, vault).broken is None


def test_log_is_locked_after_all_else_in_a_transaction(storage: Storage) -> None:
    """Somebody who has appended and still works does not keep the others waiting, and locks
    taken in the other order, log first, cannot be: so there is no deadlock.
    """
    kept = collection()
    with storage.transaction() as slow:
        slow.audit.append(AuditEntry(uuid4(), NOW, "till", Action.ENROLL))
        append(storage)
        slow.collections.lock(kept)


def test_those_who_begin_at_once_begin_one_chain(
    storage: Storage, vault: Vault, tables: Tables
) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: append(storage), range(WRITERS)))
    assert len(tables.rows("SELECT * FROM audit_head")) == 1
    assert verdict(storage, vault).records == WRITERS


def test_snapshot_does_not_see_what_is_written_meanwhile(written: Storage, vault: Vault) -> None:
    with written.audit_snapshot() as stored:
        append(written)
        assert stored.head is not None
        keyed = vault.unlock(AUDIT_KEY, stored.head.key).chain
        found = check(stored.head, stored.records, keyed)
    assert (found.records, found.broken) == (LENGTH, None)


REFUSED = [
    "UPDATE audit SET outcome = 'done'",
    "UPDATE audit SET outcome = 'done' WHERE false",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
    "UPDATE audit_head SET sequence = sequence - 1",
    "UPDATE audit_head SET digest = ''",
    "UPDATE audit_head SET begun_at = now()",
    "SET session_replication_role = replica; DELETE FROM audit",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_database_itself_refuses(written: Storage, vault: Vault, statement: str) -> None:
    """Even to the tables' owner, who is a superuser here."""

    def run() -> None:
        with written.transaction() as tx:
            for each in statement.split("; "):
                tx.connection.execute(text(each))

    with pytest.raises(DatabaseUnavailable):
        run()
    assert verdict(written, vault).broken is None


MANIPULATIONS: dict[str, tuple[list[str], Break]] = {
    "changed": (
        ["UPDATE audit SET outcome = 'match' WHERE sequence = 3"],
        Break(3, Flaw.ALTERED),
    ),
    "changed moment": (
        ["UPDATE audit SET at = at - interval '1 microsecond' WHERE sequence = 3"],
        Break(3, Flaw.ALTERED),
    ),
    "removed": (["DELETE FROM audit WHERE sequence = 3"], Break(3, Flaw.REMOVED)),
    "removed and closed up": (
        [
            "DELETE FROM audit WHERE sequence = 3",
            "UPDATE audit SET sequence = -sequence WHERE sequence > 3",
            "UPDATE audit SET sequence = -sequence - 1 WHERE sequence < 0",
        ],
        Break(3, Flaw.ALTERED),
    ),
    "reordered": (
        [
            "UPDATE audit SET sequence = -1 WHERE sequence = 3",
            "UPDATE audit SET sequence = 3 WHERE sequence = 5",
            "UPDATE audit SET sequence = 5 WHERE sequence = -1",
        ],
        Break(3, Flaw.ALTERED),
    ),
    "cut off": (["DELETE FROM audit WHERE sequence > 4"], Break(5, Flaw.CUT_OFF)),
    "emptied": (["TRUNCATE audit"], Break(1, Flaw.CUT_OFF)),
    "cut off, head set back": (
        [
            "DELETE FROM audit WHERE sequence > 4",
            "UPDATE audit_head SET sequence = 4,"
            " digest = (SELECT digest FROM audit WHERE sequence = 4)",
        ],
        Break(4, Flaw.HEAD_ALTERED),
    ),
    "head removed": (["DELETE FROM audit_head"], Break(0, Flaw.HEAD_ALTERED)),
    "forged behind the end": (
        [
            "INSERT INTO audit SELECT gen_random_uuid(), 7, at, caller, action, collection,"
            " subject, outcome, request_id, digest, digest FROM audit WHERE sequence = 6",
        ],
        Break(7, Flaw.BEYOND_END),
    ),
}


@pytest.mark.parametrize("manipulation", MANIPULATIONS)
def test_manipulation_by_a_superuser_is_found(
    written: Storage, tables: Tables, vault: Vault, manipulation: str
) -> None:
    statements, where = MANIPULATIONS[manipulation]
    with tables.unguarded() as connection:
        for statement in statements:
            connection.execute(text(statement))
    assert verdict(written, vault).broken == where


@pytest.mark.parametrize("manipulation", ["cut off, head set back", "head removed"])
def test_nothing_is_written_behind_a_head_that_is_not_ours(
    written: Storage, tables: Tables, manipulation: str
) -> None:
    """It would be made genuine by what follows."""
    with tables.unguarded() as connection:
        for statement in MANIPULATIONS[manipulation][0]:
            connection.execute(text(statement))
    before = tables.content()
    with pytest.raises(AuditTampered):
        append(written)
    assert tables.content() == before


def test_state_put_back_as_a_whole_is_found_by_a_checkpoint(
    written: Storage, tables: Tables, vault: Vault
) -> None:
    """What the database alone cannot tell."""
    (old_head,) = tables.rows("SELECT sequence, digest, seal FROM audit_head")
    append(written, 3)
    (head,) = tables.rows("SELECT sequence, digest FROM audit_head")
    with tables.unguarded() as connection:
        connection.execute(text(f"DELETE FROM audit WHERE sequence > {LENGTH}"))
        restore = text("UPDATE audit_head SET sequence = :sequence, digest = :digest, seal = :seal")
        connection.execute(restore, dict(old_head))
    assert verdict(written, vault).broken is None
    noted = Checkpoint(head["sequence"], head["digest"])
    assert verdict(written, vault, noted).broken == Break(LENGTH + 1, Flaw.CUT_OFF)


def test_chain_needs_the_master_key(written: Storage, database_url: str) -> None:
    stranger = Vault(MasterKey(b"\x01" * KEY_BYTES))
    with pytest.raises(MasterKeyInvalid):
        verdict(written, stranger)
    for vault, refusal in (((lambda: stranger), MasterKeyInvalid), (None, MasterKeyMissing)):
        other = Storage(database_url, vault=vault)
        with pytest.raises(refusal):
            append(other)
        other.close()


def test_audits_key_is_no_collections(written: Storage, tables: Tables, vault: Vault) -> None:
    """A collection's wrapped key, of the same master key, does not pass for it."""
    made = vault.new_key(uuid4())
    with tables.unguarded() as connection:
        swap = text("UPDATE audit_head SET key_id = :key_id, wrapped_key = :wrapped")
        connection.execute(swap, {"key_id": made.key_id, "wrapped": made.wrapped})
    with pytest.raises(MasterKeyInvalid):
        verdict(written, vault)
