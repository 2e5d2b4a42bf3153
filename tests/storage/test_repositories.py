"""What goes into the gallery comes out of it, and goes away when it should."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import Table, UniqueConstraint, func, select

from service.domain.audit import Action, AuditEntry
from service.domain.callers import ApiKey, Scope
from service.domain.collection import (
    Collection,
    CollectionSettings,
    DuplicatePolicy,
    IdempotentResponse,
    WrappedKey,
)
from service.domain.errors import CollectionNotFound, Overloaded
from service.storage.engine import driver_url
from service.storage.failures import QueryFailed
from service.storage.storage import Storage
from service.storage.tables import audit, idempotent_responses, subjects, templates
from service.storage.transaction import Transaction
from tests.enrolled import add_people
from tests.postgres import TestServer
from tests.storage.people import MODEL, NOW, SPACE_ID, collection, subject, template, vectors

OTHER_MODEL = "other@sha256:00"

HASH = bytes(32)


@pytest.fixture
def kept(storage: Storage) -> Collection:
    """A collection that is in the gallery."""
    made = collection()
    with storage.transaction() as tx:
        tx.collections.add(made)
    return made


def _enroll(tx: Transaction, kept: Collection, subject_id: str) -> None:
    add_people(tx, kept, [template(subject_id)], NOW)
    tx.idempotency.add(
        kept, IdempotentResponse("kiosk", f"key-{subject_id}", subject_id, HASH, b"sealed", HASH)
    )


def test_collection_comes_back_as_it_was(storage: Storage) -> None:
    made = collection(
        settings=CollectionSettings({"strict": 0.6}, DuplicatePolicy.FLAG, "conservative", 30, 0.25)
    )
    with storage.transaction() as tx:
        tx.collections.add(made)
        assert tx.collections.find_with_keys_locked("default") == made


def test_times_come_back_in_utc_wherever_the_server_is(
    storage: Storage, postgres_server: TestServer, database_url: str
) -> None:
    name = driver_url(database_url).database
    postgres_server.run(f"ALTER DATABASE {name} SET timezone = 'Asia/Seoul'")
    with storage.transaction() as tx:
        tx.collections.add(collection())
        found = tx.collections.find_with_keys_locked("default")
    assert found is not None
    assert found.created_at.isoformat() == NOW.isoformat()


def test_unknown_collection_is_none(storage: Storage) -> None:
    with storage.transaction() as tx:
        assert tx.collections.find_with_keys_locked("nowhere") is None


def test_collection_takes_new_settings_and_a_model(storage: Storage, kept: Collection) -> None:
    changed = replace(kept, model_id=MODEL, settings=CollectionSettings({"balanced": 0.5}))
    with storage.transaction() as tx:
        tx.collections.update(changed)
        assert tx.collections.find_with_keys_locked("default") == changed


def test_subject_comes_back_with_its_number_of_templates(
    storage: Storage, kept: Collection
) -> None:
    with storage.transaction() as tx:
        rows = [template("kim"), template("kim", model_id=OTHER_MODEL)]
        ids = tuple(sorted(row.template_id for row in rows))
        made = replace(subject("kim", b"sealed metadata"), template_ids=ids)
        tx.subjects.add(kept, made)
        tx.templates.add_all(kept, rows)
        assert tx.subjects.find(kept, "kim") == made


def test_subject_of_another_collection_is_none(storage: Storage, kept: Collection) -> None:
    other = collection("other")
    with storage.transaction() as tx:
        tx.collections.add(other)
        tx.subjects.add(kept, subject("kim"))
        assert tx.subjects.find(other, "kim") is None


def test_metadata_is_replaced(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        tx.subjects.add(kept, subject("kim", b"old"))
        tx.subjects.update(kept, subject("kim", b"new"))
        found = tx.subjects.find(kept, "kim")
    assert found is not None
    assert found.metadata == b"new"


def test_pages_follow_each_other_in_byte_order(storage: Storage, kept: Collection) -> None:
    names = ["B", "a", "_", "Z", "1", "a.b", "a-b", "a:b", "@"]
    with storage.transaction() as tx:
        for name in names:
            tx.subjects.add(kept, subject(name))
        first = tx.subjects.page(kept, 4, None)
        rest = tx.subjects.page(kept, 100, first[-1].subject_id)
    assert [found.subject_id for found in first + rest] == sorted(names)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "김", "a" * 129, "a\n"])
def test_subject_id_outside_the_contract_is_refused(
    storage: Storage, kept: Collection, name: str
) -> None:
    with pytest.raises(QueryFailed), storage.transaction() as tx:
        tx.subjects.add(kept, subject(name))


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "김", "a" * 65, "a\n"])
def test_name_of_a_collection_outside_the_contract_is_refused(storage: Storage, name: str) -> None:
    with pytest.raises(QueryFailed), storage.transaction() as tx:
        tx.collections.add(collection(name))


def test_template_comes_back_as_it_was(storage: Storage, kept: Collection) -> None:
    made = template("kim")
    with storage.transaction() as tx:
        tx.subjects.add(kept, subject("kim"))
        tx.templates.add(kept, made)
        (found,) = tx.templates.of(kept, "kim")
    assert replace(found, search=made.search) == made
    np.testing.assert_allclose(found.search.values, made.search.values, atol=1e-4)


def test_templates_of_a_subject_are_deleted_and_named(storage: Storage, kept: Collection) -> None:
    first, second = template("kim"), template("kim", model_id=OTHER_MODEL)
    with storage.transaction() as tx:
        tx.subjects.add(kept, subject("kim"))
        tx.templates.add_all(kept, [first, second])
        assert tx.templates.count(kept) == 2
        assert tx.templates.delete_of(kept, "kim", OTHER_MODEL) == [second.template_id]
        assert [row.template_id for row in tx.templates.of(kept, "kim")] == [first.template_id]
        assert tx.templates.delete_of(kept, "kim") == [first.template_id]
        mark = tx.templates.mark(kept)
        assert (mark.rows, mark.deleted_count) == (0, 2)


def test_person_cannot_have_two_templates_of_one_model(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        _enroll(tx, kept, "kim")
    with pytest.raises(Overloaded), storage.transaction() as tx:
        tx.templates.add(kept, template("kim"))


def test_deleted_subject_takes_everything_along(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        _enroll(tx, kept, "kim")
        _enroll(tx, kept, "lee")
        assert tx.subjects.delete(kept, "kim") == 1
        assert tx.subjects.find(kept, "kim") is None
        assert tx.templates.of(kept, "kim") == []
        assert tx.idempotency.find(kept, "kiosk", "key-kim") is None
        assert tx.subjects.find(kept, "lee") is not None


def test_collection_that_is_deleted_meanwhile_is_no_alarm(
    storage: Storage, kept: Collection
) -> None:
    with storage.transaction() as reading:
        found = reading.collections.find_with_keys_locked(kept.name)
        assert found is not None
        with storage.transaction() as tx:
            tx.collections.delete(kept)
        with pytest.raises(CollectionNotFound):
            reading.templates.mark(found)


def test_deleted_collection_takes_its_people_along_and_no_others(
    storage: Storage, kept: Collection
) -> None:
    other = collection("other")
    with storage.transaction() as tx:
        tx.collections.add(other)
        _enroll(tx, kept, "kim")
        _enroll(tx, kept, "lee")
        _enroll(tx, other, "kim")
        assert tx.collections.delete(kept) == 2
        assert tx.collections.find_with_keys_locked("default") is None
        assert tx.templates.count(other) == 1
        for table in (subjects, templates, idempotent_responses):
            assert tx.connection.scalar(select(func.count()).select_from(table)) == 1


def test_answer_is_found_by_caller_and_key(storage: Storage, kept: Collection) -> None:
    answer = IdempotentResponse("kiosk", "retry-1", "kim", HASH, b"sealed", HASH)
    with storage.transaction() as tx:
        tx.subjects.add(kept, subject("kim"))
        tx.idempotency.add(kept, answer)
        assert tx.idempotency.find(kept, "kiosk", "retry-1") == answer
        assert tx.idempotency.find(kept, "till", "retry-1") is None
        assert tx.idempotency.find(kept, "kiosk", "retry-2") is None


def test_api_key_comes_back_with_its_hash(storage: Storage) -> None:
    key = ApiKey("till", frozenset({Scope.VERIFY}), frozenset({"default"}), NOW, NOW)
    with storage.transaction() as tx:
        tx.api_keys.add(key, "id-1", HASH)
        assert tx.api_keys.find_by_name("till") == key
        assert tx.api_keys.all() == [key]
        assert tx.api_keys.find_by_name("kiosk") is None
    assert storage.find_api_key("id-1") == (key, HASH)
    assert storage.find_api_key("id-2") is None


def test_first_revocation_counts(storage: Storage) -> None:
    key = ApiKey("till", frozenset(Scope), frozenset(), NOW)
    with storage.transaction() as tx:
        tx.api_keys.add(key, "id-1", HASH)
        tx.api_keys.revoke("till", NOW)
        tx.api_keys.revoke("till", NOW + timedelta(days=1))
        assert tx.api_keys.find_by_name("till") == replace(key, revoked_at=NOW)


def test_audit_keeps_the_order_and_outlives_its_subject(storage: Storage, kept: Collection) -> None:
    enrolled = AuditEntry(uuid4(), NOW, "kiosk", Action.ENROLL, "default", HASH)
    erased = AuditEntry(uuid4(), NOW, "kiosk", Action.COLLECTION_ERASE, "default")
    with storage.transaction() as tx:
        tx.audit.append(enrolled)
        tx.audit.append(erased)
        tx.collections.delete(kept)
    with storage.transaction() as tx:
        rows = tx.connection.execute(select(audit).order_by(audit.c.sequence)).mappings().all()
    assert [row["audit_id"] for row in rows] == [enrolled.audit_id, erased.audit_id]
    assert (rows[0]["action"], rows[0]["subject"]) == ("enroll", HASH)


@pytest.mark.parametrize("table", [subjects, templates, idempotent_responses], ids=str)
def test_every_key_of_subject_data_contains_the_subject(table: Table) -> None:
    """So that the tables could be distributed by subject."""
    keys = [set(table.primary_key.columns.keys())]
    keys += [set(index.columns.keys()) for index in table.indexes if index.unique]
    keys += [
        set(rule.columns.keys()) for rule in table.constraints if isinstance(rule, UniqueConstraint)
    ]
    assert all("subject_id" in key for key in keys)


def test_search_vectors_survive_storage_in_half_precision(
    storage: Storage, kept: Collection
) -> None:
    vector = vectors(1, seed=7)[0]
    with storage.transaction() as tx:
        tx.subjects.add(kept, subject("kim"))
        tx.templates.add(kept, template("kim", vector))
        (found,) = tx.templates.nearest(kept, {SPACE_ID: vector}, 0.999, 1)
    assert found.search.values.dtype == np.float32


def test_oldest_key_is_the_one_in_use_for_longest(storage: Storage) -> None:
    """Of the keys that seal: a rotation makes an old collection's key a young one."""
    assert storage.oldest_key_made() is None
    younger, older = collection(), collection("shop")
    day = timedelta(days=1)
    before = replace(older.keys, active_since=older.created_at - day)
    older = replace(older, created_at=older.created_at - 2 * day, keys=before)
    with storage.transaction() as tx:
        tx.collections.add(younger)
        tx.collections.add(older)
    assert storage.oldest_key_made() == before.active_since
    new_key = WrappedKey(uuid4(), b"new")
    after = replace(
        before, active=new_key, active_since=older.created_at + 3 * day, retiring=before.active
    )
    with storage.transaction() as tx:
        tx.collections.set_keys(replace(older, keys=after))
    assert storage.oldest_key_made() == younger.keys.active_since
