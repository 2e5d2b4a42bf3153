"""What is done otherwise where Citus spreads people over several servers.

Citus itself is not here. Its extension and its catalog are put into the database as rows; what it
demands of statements is asked of those that are sent.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.domain.causes import Cause, Diagnosis
from service.domain.collection import DEFAULT_COLLECTION, DuplicatePolicy
from service.domain.errors import DatabaseDistributed, DatabaseUnavailable, RecordTampered
from service.storage.dump_restore import DatabaseDumps
from service.storage.engine import single_use_engine
from service.storage.failed_comparisons import BY_ID, BY_NAME, Statements
from service.storage.failures import QueryFailed
from service.storage.scrub import scrub
from service.storage.storage import Storage
from service.storage.subjects import SubjectProof
from service.usecases.enrollment import Mode
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from service.wiring import Wiring
from tests.storage.people import collection, subject, template, vectors
from tests.storage.statements import LOCKS, noted, without_subject
from tests.usecases.service_process import Service
from tests.usecases.stand_ins import NextEngine, StandInCapture, StandInClock, StandInEngine
from tests.usecases.test_key_rotation import rotate

DISTRIBUTED = ("subjects", "templates", "idempotent_responses", "failed_comparisons")

EXTENSION = """
    SET LOCAL allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (9999, 'citus', 10, 'pg_catalog'::regnamespace, false, '14.0-1');
    CREATE TABLE pg_dist_partition (logicalrelid regclass);
"""
SPREAD = "INSERT INTO pg_dist_partition VALUES ('subjects'), ('templates')"

NOTE_HOW = """
    CREATE TABLE how (name text, query text);
    CREATE FUNCTION note_how() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO how VALUES (TG_TABLE_NAME, current_query()); RETURN NULL; END $$;
    CREATE TRIGGER note_how AFTER INSERT ON subjects EXECUTE FUNCTION note_how();
    CREATE TRIGGER note_how AFTER INSERT ON templates EXECUTE FUNCTION note_how();
"""


def change(url: str, *scripts: str) -> None:
    with single_use_engine(url).begin() as connection:
        for script in scripts:
            connection.exec_driver_sql(script)


@pytest.fixture
def prepared(database_url: str) -> str:
    """The extension is there, and every table on one server."""
    change(database_url, EXTENSION)
    return database_url


@pytest.fixture
def spread(prepared: str) -> str:
    change(prepared, SPREAD)
    name = make_url(prepared).database
    change(prepared, f"ALTER DATABASE {name} SET citus.multi_shard_modify_mode TO 'sequential'")
    return prepared


@pytest.fixture
def service(storage: Storage, vault: Vault) -> Service:
    service = Service(storage, vault, StandInEngine(), StandInCapture(), StandInClock())
    service.collections.ensure_default()
    return service


def backup(url: str) -> AbstractContextManager[object]:
    return DatabaseDumps(url).snapshot()


def read_rows(url: str) -> None:
    """As the search memory does."""
    storage = Storage(url)
    try:
        with storage.transaction() as tx:
            tx.templates.written_between(collection().collection_id, 0, 10, 10)
    finally:
        storage.close()


def settings(url: str, tmp_path: Path, search_memory: int) -> AppConfig:
    key = base64.b64encode(bytes(32)).decode()
    return AppConfig(
        database_url=url, master_key=key, data_dir=tmp_path, search_memory=search_memory
    )


UNSAFE: dict[str, Callable[[str], object]] = {
    "face backup": lambda url: backup(url).__enter__(),
    "face scrub": scrub,
    "FACE_SEARCH_MEMORY": read_rows,
}


@pytest.mark.parametrize("what", UNSAFE)
def test_what_is_safe_on_one_server_only_is_refused_on_several(what: str, spread: str) -> None:
    with pytest.raises(DatabaseDistributed) as refused:
        UNSAFE[what](spread)
    assert refused.value.values["what"] == what


@pytest.mark.parametrize("what", UNSAFE)
def test_extension_alone_forbids_nothing(what: str, prepared: str) -> None:
    UNSAFE[what](prepared)


def test_process_starts_on_several_servers_without_a_search_memory_only(
    spread: str, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseDistributed) as refused:
        Wiring(settings(spread, tmp_path, search_memory=1)).prepare()
    assert refused.value.values["instead"] == "FACE_SEARCH_MEMORY=0"
    Wiring(settings(spread, tmp_path, search_memory=0)).prepare()


def test_process_starts_on_several_servers_in_one_mode_only(spread: str, tmp_path: Path) -> None:
    name = make_url(spread).database
    change(spread, f"ALTER DATABASE {name} SET citus.multi_shard_modify_mode TO 'parallel'")
    with pytest.raises(DatabaseDistributed) as refused:
        Wiring(settings(spread, tmp_path, search_memory=0)).prepare()
    change(spread, str(refused.value.values["instead"]))
    Wiring(settings(spread, tmp_path, search_memory=0)).prepare()


def fail(storage: Storage, code: str, words: str) -> None:
    raised = f"DO $$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = '{code}'; END $$"
    with storage.transaction() as tx:
        tx.connection.execute(text(raised))


LOST = [
    "could not commit transaction for shard 102015 on at least one active node",
    "server closed the connection unexpectedly",
    "connection to the remote node face_app@10.0.0.2:5432 failed",
]


@pytest.mark.parametrize("words", LOST)
def test_worker_lost_at_the_commit_is_a_database_that_is_unavailable(
    storage: Storage, words: str
) -> None:
    """As Citus 14.0.1 says it: by its code alone it would be a fault of ours."""
    with pytest.raises(DatabaseUnavailable) as raised:
        fail(storage, "XX000", words)
    assert raised.value.diagnosis == Diagnosis(Cause.SERVER_SAID, {"said": words})


def test_other_internal_errors_are_not_taken_for_it(storage: Storage) -> None:
    with pytest.raises(QueryFailed, match="XX000"):
        fail(storage, "XX000", "something else")
    with pytest.raises(QueryFailed, match="22000"):
        fail(storage, "22000", LOST[0])


def enroll_three(url: str) -> tuple[set[str], list[np.ndarray]]:
    """How their rows came into the tables, and which search vectors are found afterwards."""
    change(url, NOTE_HOW)
    storage = Storage(url, vault=lambda: Vault(MasterKey(bytes(KEY_BYTES))))
    kept, names = collection(), ["a", "b", "c"]
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add_all(kept, [subject(name) for name in names])
        given = zip(names, vectors(3), strict=True)
        tx.templates.add_all(kept, [template(name, vector) for name, vector in given])
        found = [tx.templates.of(kept, name)[0].search.values for name in names]
        verbs = {query.split()[0] for query in tx.connection.scalars(text("SELECT query FROM how"))}
    storage.close()
    return verbs, found


def test_rows_of_many_people_are_inserted_and_not_copied_where_there_is_citus(
    prepared: str,
) -> None:
    """A copy is no part of the two-phase commit, where the shard was read before."""
    verbs, found = enroll_three(prepared)
    assert verbs == {"INSERT"}
    given = [vector.values.astype(np.float16) for vector in vectors(3)]
    assert np.array_equal(np.array(found), np.array(given, dtype=np.float32))


def test_rows_of_many_people_are_copied_elsewhere(database_url: str) -> None:
    assert enroll_three(database_url)[0] == {"COPY"}


def test_one_person_is_inserted_everywhere(database_url: str, service: Service) -> None:
    change(database_url, NOTE_HOW)
    service.enroll("kim", "kim:1")
    with single_use_engine(database_url).connect() as connection:
        queries = list(connection.scalars(text("SELECT query FROM how")))
    assert [query.split()[0] for query in queries] == ["INSERT", "INSERT"]


ABOUT_ONE: dict[str, Callable[[Service], object]] = {
    "show": lambda service: service.subjects.show("kim", "default"),
    "export": lambda service: service.export("kim"),
    "erase": lambda service: service.erase("kim"),
    "withdraw consent": lambda service: service.withdraw_consent("kim"),
    "unlock": lambda service: service.unlock("kim"),
    "rename": lambda service: service.rename("kim", "lee"),
    "refuse": lambda service: service.verify("kim", "lee:1"),
    "verify": lambda service: service.verify("kim", "kim:2"),
    "look up at enrollment": lambda service: service.enroll(
        "kim", "kim:2", mode=Mode.ADD, on_duplicate=DuplicatePolicy.ALLOW, metadata={"door": 2}
    ),
}


@pytest.mark.parametrize("call", ABOUT_ONE)
def test_call_about_one_person_asks_one_shard(service: Service, call: str) -> None:
    service.enroll("kim", "kim:1", metadata={"door": 1}, consent_reference="paper")
    with noted() as statements:
        ABOUT_ONE[call](service)
    named = [one for one in statements if any(table in one for table in DISTRIBUTED)]
    assert named or call == "verify"  # its one trip goes past SQLAlchemy: see below
    assert [(one, each) for one in named if (each := without_subject(one, DISTRIBUTED))] == []


def test_person_who_is_moved_asks_one_shard(service: Service) -> None:
    service.enroll("kim", "kim:1")
    both = replace(service, next_engine=NextEngine())
    both.move_model.begin(DEFAULT_COLLECTION, LOCAL_USER.name)
    with noted() as statements:
        assert both.verify("kim", "kim:2").decision.match
    assert both.move_model.status(DEFAULT_COLLECTION).moved == 1
    named = [one for one in statements if any(table in one for table in DISTRIBUTED)]
    assert [one for one in named if LOCKS.search(one)]
    assert [(one, each) for one in named if (each := without_subject(one, DISTRIBUTED))] == []


def test_merge_of_two_writes_and_locks_one_shard_at_a_time(service: Service) -> None:
    service.enroll("kim", "kim:1", metadata={"door": 1}, idempotency_key="1")
    service.enroll("kim2", "kim:2", on_duplicate=DuplicatePolicy.FLAG, consent_reference="paper")
    with noted() as statements:
        service.merge("kim", "kim2")
    writes = [one for one in statements if LOCKS.search(one) or not one.startswith("SELECT")]
    named = [one for one in writes if any(table in one for table in DISTRIBUTED)]
    assert named
    assert [(one, each) for one in named if (each := without_subject(one, DISTRIBUTED))] == []


@pytest.mark.parametrize("read", [BY_ID, BY_NAME])
def test_verification_asks_one_shard(read: Statements) -> None:
    for one in (read.refusals, read.subject, read.templates):
        assert not without_subject(one.decode(), DISTRIBUTED)


def test_rotation_locks_rows_by_their_distribution_column(service: Service) -> None:
    """Citus locks rows of one shard only."""
    service.enroll("kim", "kim:1", metadata={"door": 1}, idempotency_key="1")
    service.enroll("lee", "lee:1")
    with noted() as statements:
        rotate(service)
    locked = [one for one in statements if LOCKS.search(one)]
    assert {table for table in DISTRIBUTED for one in locked if f"FROM {table}" in one} == {
        "subjects",
        "templates",
        "idempotent_responses",
    }
    assert [one for one in locked if without_subject(one, DISTRIBUTED)] == []


def come_late(monkeypatch: pytest.MonkeyPatch, readings: int) -> None:
    """For so many readings the log tells of a change whose row is not in sight."""
    look, due = SubjectProof._last, [None] * readings

    def last(proof: SubjectProof, changes: Iterable[UUID | None]) -> set[UUID]:
        return set() if due and due.pop() is None else look(proof, changes)

    monkeypatch.setattr(SubjectProof, "_last", last)


@pytest.mark.usefixtures("spread")
def test_row_of_a_worker_that_comes_after_the_log_is_no_alarm(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.enroll("kim", "kim:1")
    come_late(monkeypatch, 3)
    service.subjects.show("kim", "default")


@pytest.mark.usefixtures("spread")
def test_row_of_a_worker_that_never_comes_is_one(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.enroll("kim", "kim:1")
    come_late(monkeypatch, 100)
    with pytest.raises(RecordTampered):
        service.subjects.show("kim", "default")


def test_row_on_one_server_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.enroll("kim", "kim:1")
    come_late(monkeypatch, 2)
    with pytest.raises(RecordTampered):
        service.subjects.show("kim", "default")
