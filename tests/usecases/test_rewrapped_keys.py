"""Another master key: all keys of all collections, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from service.domain.callers import Scope
from service.domain.chain import AUDIT_KEY
from service.domain.collection import CollectionKeys
from service.domain.errors import (
    AuditTampered,
    DuplicateSubject,
    IdempotencyConflict,
    MasterKeyInvalid,
    Overloaded,
)
from service.storage.storage import Storage
from service.usecases.audit import VerifyAudit
from service.usecases.key_rotation import Keys
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey, RewrapKeys
from service.vault.vault import Vault
from tests.usecases.lookalikes import TWIN, enroll_twins, resolve
from tests.usecases.lookalikes import replace as lookalikes_of
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.test_key_rotation import rotate

OLD, NEW = MasterKey(bytes(KEY_BYTES)), MasterKey(bytes([9]) * KEY_BYTES)


def _keys(service: Service) -> Keys:
    return Keys(service.storage, service.vault, service.audit)


@pytest.fixture
def service_url(database_url: str) -> str:
    """As the owner: the audit log's key is not the service's to exchange."""
    return database_url


@pytest.fixture
def two_collections(service: Service) -> Service:
    service.put("shop")
    for collection in (DEFAULT, "shop"):
        service.enroll("kim", "kim:1", collection=collection, metadata={"door": 1})
    return service


Start = Callable[[MasterKey], Service]


@pytest.fixture
def started_with(service: Service, database_url: str) -> Iterator[Start]:
    """The same service, started again with another master key."""
    galleries = []

    def start(master: MasterKey) -> Service:
        vault = Vault(master)
        galleries.append(Storage(database_url, service.clock, lambda: vault))
        return replace(service, storage=galleries[-1], vault=vault)

    yield start
    for storage in galleries:
        storage.close()


@pytest.fixture
def rewrapped(two_collections: Service, started_with: Start) -> Service:
    """A service that was started again with the new master key."""
    assert _keys(two_collections).rewrap(RewrapKeys(OLD, NEW), CALLER) == 2
    return started_with(NEW)


def test_everything_opens_under_the_new_master_key(rewrapped: Service) -> None:
    for collection in (DEFAULT, "shop"):
        assert rewrapped.verify("kim", "kim:2", collection).decision.match
        assert rewrapped.subjects.show("kim", collection).metadata == {"door": 1}
        with pytest.raises(DuplicateSubject):
            rewrapped.enroll("kim2", "kim:2", collection=collection)


def test_decision_about_lookalikes_holds_under_the_new_master_key(
    service: Service, started_with: Start
) -> None:
    enroll_twins(service)
    resolve(service)
    _keys(service).rewrap(RewrapKeys(OLD, NEW), CALLER)
    assert lookalikes_of(started_with(NEW), "twin", TWIN) == []


def test_no_template_is_touched(two_collections: Service, tables: Tables) -> None:
    before = tables.content()
    _keys(two_collections).rewrap(RewrapKeys(OLD, NEW), CALLER)
    after = tables.content()
    assert {name for name in before if before[name] != after[name]} == {
        "audit",
        "audit_head",
        "collections",
        "collection_keys",
    }


def test_process_with_the_old_master_key_is_refused(
    two_collections: Service, rewrapped: Service, started_with: Start
) -> None:
    for ask in (
        lambda: two_collections.verify("kim", "kim:2"),
        lambda: two_collections.enroll("lee", "lee:1"),
        lambda: two_collections.put("another"),
    ):
        with pytest.raises(MasterKeyInvalid):
            ask()
    with pytest.raises(MasterKeyInvalid):
        rotate(started_with(OLD))
    assert [one.opens for one in _keys(rewrapped).status()] == [True, True]


def test_people_keep_their_pseudonyms(rewrapped: Service, tables: Tables) -> None:
    rewrapped.erase("kim")
    rows = tables.rows(
        "SELECT subject FROM audit WHERE subject IS NOT NULL AND collection = 'default'"
    )
    assert len(rows) == 2
    assert len({row["subject"] for row in rows}) == 1


def test_it_is_written_down_once(rewrapped: Service, tables: Tables) -> None:
    rows = tables.rows("SELECT caller, collection FROM audit WHERE action = 'key_rewrap'")
    assert [dict(row) for row in rows] == [{"caller": CALLER, "collection": None}]


def test_audit_log_is_whole_under_the_new_master_key(
    two_collections: Service, rewrapped: Service, storage: Storage
) -> None:
    before = VerifyAudit(rewrapped.storage, rewrapped.vault)()
    assert before.whole
    rewrapped.verify("kim", "kim:2")
    after = VerifyAudit(rewrapped.storage, rewrapped.vault)()
    assert (after.whole, after.log.records) == (True, before.log.records + 1)
    with pytest.raises(MasterKeyInvalid):
        VerifyAudit(storage, Vault(OLD))()
    with pytest.raises(MasterKeyInvalid):
        two_collections.api_keys.create("door", [Scope.VERIFY])


def test_audit_log_is_whole_after_a_rotation(rewrapped: Service, storage: Storage) -> None:
    rotate(rewrapped)
    rewrapped.erase("kim")
    assert VerifyAudit(rewrapped.storage, rewrapped.vault)().whole


def test_altered_end_of_the_log_is_not_rewrapped(two_collections: Service, tables: Tables) -> None:
    with tables.unguarded() as connection:
        connection.execute(text("UPDATE audit_head SET seal = 'x'"))
    before = tables.content()
    with pytest.raises(AuditTampered):
        _keys(two_collections).rewrap(RewrapKeys(OLD, NEW), CALLER)
    assert tables.content() == before


@pytest.mark.parametrize("whose", ["the second collection", "the audit log"])
def test_interrupted_it_changes_nothing(
    two_collections: Service, tables: Tables, whose: str
) -> None:
    """These keys belong to somebody else."""
    rewrapping = RewrapKeys(OLD, NEW)
    second = two_collections.collections.show("shop").collection.collection_id
    foreign = AUDIT_KEY if whose == "the audit log" else second

    def failing(collection_id: UUID, keys: CollectionKeys) -> CollectionKeys:
        if collection_id == foreign:
            raise MasterKeyInvalid
        return rewrapping(collection_id, keys)

    before = tables.content()
    with pytest.raises(MasterKeyInvalid):
        _keys(two_collections).rewrap(failing, CALLER)
    assert tables.content() == before


def test_during_a_rotation_both_data_keys_are_rewrapped(
    two_collections: Service, started_with: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.usecases.key_rotation.ROWS_AT_A_TIME", 1)

    def rewrap_meanwhile(moved: int, total: int) -> None:
        if moved == 1:
            _keys(two_collections).rewrap(RewrapKeys(OLD, NEW), CALLER)

    with pytest.raises(MasterKeyInvalid):
        rotate(two_collections, rewrap_meanwhile)
    again = started_with(NEW)
    assert again.verify("kim", "kim:2").decision.match
    assert rotate(again).resumed


def test_no_rotation_begins_while_keys_are_rewrapped(
    two_collections: Service, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would write the keys back as they were before."""
    monkeypatch.setattr("service.usecases.key_rotation.TRIES", 1)
    with storage.transaction() as tx:
        tx.collections.lock_all_keys()
        with pytest.raises(Overloaded):
            rotate(two_collections)
        assert two_collections.verify("kim", "kim:2").decision.match
        assert two_collections.enroll("lee", "lee:1")


def test_status_tells_how_far_a_rotation_is(two_collections: Service) -> None:
    def look(moved: int, total: int) -> None:
        one, other = _keys(two_collections).status()
        assert (one.waiting, one.retiring is None) == (total - moved, False)
        assert (other.waiting, other.retiring) == (0, None)

    rotate(two_collections, look)
    assert {one.retiring for one in _keys(two_collections).status()} == {None}


def test_late_retry_is_refused_under_the_new_master_key(
    two_collections: Service, started_with: Start
) -> None:
    """What is kept of a key's use must not hang on the master key."""
    two_collections.enroll("lee", "lee:1", idempotency_key="1")
    two_collections.erase("lee")
    _keys(two_collections).rewrap(RewrapKeys(OLD, NEW), CALLER)
    with pytest.raises(IdempotencyConflict):
        started_with(NEW).enroll("lee", "lee:1", idempotency_key="1")
