"""Whose time is over is removed for good, each with an entry in the log."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from service.domain.collection import DuplicatePolicy, Subject
from service.usecases.erase import BATCH
from service.usecases.unlocked_collection import require_collection
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.service_process import DEFAULT, Service, Tables
from tests.usecases.test_rolled_back import DiskFull, disk_full_at

HOUR = timedelta(hours=1)


def _enroll(service: Service, *names: str, collection: str = DEFAULT) -> None:
    """For an hour."""
    for name in names:
        service.enroll(
            name,
            "kim",
            collection=collection,
            expires_at=service.clock.now + HOUR,
            on_duplicate=DuplicatePolicy.ALLOW,
            metadata={"door": 1},
            consent_reference="form 1",
            idempotency_key=name,
        )


def _purge(service: Service, *confirmed: str) -> list[int]:
    """How many each transaction removed."""
    return [batch.removed for batch in service.purge.batches(wait=True, confirmed=confirmed)]


def _crowd(service: Service, people: int) -> None:
    """Kim's terms once more under each of many names."""
    with service.storage.transaction() as tx:
        collection = require_collection(tx, DEFAULT)
        kim = tx.subjects.find(collection, "kim")
        assert kim is not None
        ends = kim.expires_at
        crowd = [Subject(f"kim{n}", kim.enrolled_at, expires_at=ends) for n in range(people)]
        tx.subjects.add_all(collection, crowd)


def test_frames_of_liveness_sessions_are_forgotten_after_a_day(
    service: Service, tables: Tables
) -> None:
    _enroll(service, "kim")
    with service.storage.transaction() as tx:
        tx.liveness_frames.add(
            require_collection(tx, DEFAULT), uuid4(), [bytes(64), bytes([1] * 64)]
        )
    tables.change(
        "UPDATE liveness_frames SET seen_at = seen_at - interval '1 day'"
        " WHERE hash = repeat('0', 256)::bit(256)"
    )
    assert _purge(service) == []
    assert len(tables.rows("SELECT hash FROM liveness_frames")) == 1


def test_nobody_is_purged_before_their_time(service: Service, tables: Tables) -> None:
    _enroll(service, "kim")
    before = tables.content()
    assert _purge(service) == []
    assert tables.content() == before


def test_purged_person_has_no_row_left(service: Service, tables: Tables) -> None:
    _enroll(service, "kim")
    service.enroll("lee", "lee")
    service.clock.advance(HOUR)
    assert _purge(service) == [1]
    assert [row["subject_id"] for row in tables.rows("SELECT * FROM subjects")] == ["lee"]
    assert [row["subject_id"] for row in tables.rows("SELECT * FROM templates")] == ["lee"]
    assert tables.rows("SELECT * FROM idempotent_responses") == []


def test_each_leaves_an_entry_by_nobody(service: Service, tables: Tables) -> None:
    _enroll(service, "kim", "lee")
    enrolled = {row["subject"] for row in tables.rows("SELECT subject FROM audit")}
    service.clock.advance(HOUR)
    _purge(service)
    rows = tables.rows("SELECT * FROM audit WHERE action = 'expire'")
    assert {row["subject"] for row in rows} == enrolled
    assert {(row["caller"], row["collection"], row["at"]) for row in rows} == {
        ("expiry", DEFAULT, service.clock.now)
    }


def test_every_collection_is_purged(service: Service) -> None:
    service.put("shop")
    _enroll(service, "kim")
    service.enroll("lee", "lee", collection="shop")
    service.put("shop", retention_days=1)
    service.clock.advance(timedelta(days=1))
    assert _purge(service) == [1, 1]


def test_many_go_in_small_batches(service: Service, tables: Tables) -> None:
    _enroll(service, "kim")
    _crowd(service, 2 * BATCH)
    service.clock.advance(HOUR)
    assert _purge(service, DEFAULT) == [BATCH, BATCH, 1]
    assert tables.rows("SELECT 1 FROM subjects") == []
    assert len(tables.rows("SELECT DISTINCT subject FROM audit WHERE action = 'expire'")) == (
        2 * BATCH + 1
    )


def test_batch_that_fails_is_not_half_done(service: Service, tables: Tables) -> None:
    _enroll(service, "kim", "lee")
    service.clock.advance(HOUR)
    before = tables.content()
    for step in ("subjects.delete", "audit.append"):
        with disk_full_at(step), pytest.raises(DiskFull):
            _purge(service)
        assert tables.content() == before


def test_purge_stopped_midway_is_finished_by_the_next(service: Service, tables: Tables) -> None:
    _enroll(service, "kim")
    _crowd(service, 2 * BATCH)
    service.clock.advance(HOUR)
    assert next(service.purge.batches(wait=True, confirmed=[DEFAULT])).removed == BATCH
    assert _purge(service, DEFAULT) == [BATCH, 1]


def test_one_purges_and_the_others_leave_it_to_them(service: Service) -> None:
    _enroll(service, "kim")
    service.clock.advance(HOUR)
    with service.storage.transaction() as tx:
        assert tx.collections.lock_purge(wait=False)
        assert list(service.purge.batches(wait=False)) == []
    assert [batch.removed for batch in service.purge.batches(wait=False)] == [1]


def test_several_purges_at_once_remove_and_record_each_person_once(
    service: Service, tables: Tables
) -> None:
    _enroll(service, "kim")
    _crowd(service, BATCH)
    service.clock.advance(HOUR)
    removed = outcomes([lambda: sum(_purge(service, DEFAULT))] * 4)
    assert sum(removed) == BATCH + 1
    assert len(tables.rows("SELECT 1 FROM audit WHERE action = 'expire'")) == BATCH + 1
