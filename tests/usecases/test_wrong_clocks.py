"""Nothing irreversible trusts one clock, nor two clocks about very many people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.bulk import Place, Row, Unit
from service.domain.collection import DuplicatePolicy, Subject
from service.domain.errors import (
    ClocksDisagree,
    CollectionNotFound,
    PurgeHeld,
    SubjectNotFound,
)
from service.domain.expiry import ALWAYS_REMOVED, Expired
from service.storage.storage import Storage
from service.usecases.erase import PurgeBatch
from service.usecases.unlocked_collection import require_collection
from service.vault.vault import Vault
from tests.domain.vectors import face_of
from tests.usecases.service_process import DEFAULT, Service, Tables
from tests.usecases.stand_ins import StandInClock, given

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAR = timedelta(days=400)

Process = Callable[[timedelta], Service]


@pytest.fixture
def process(service: Service, database_url: str, vault: Vault) -> Iterator[Process]:
    """A process whose clock is ahead of the database's real one by so much."""
    galleries: list[Storage] = []

    def started(ahead: timedelta) -> Service:
        clock = StandInClock()
        clock.now = datetime.now(UTC) + ahead
        storage = Storage(database_url, clock, lambda: vault)
        galleries.append(storage)
        return replace(service, storage=storage, clock=clock)

    yield started
    for storage in galleries:
        storage.close()


def _purge(service: Service, *confirmed: str) -> list[PurgeBatch]:
    return list(service.purge.batches(wait=True, confirmed=confirmed))


def _crowd(service: Service, people: int, expired: int = 0) -> None:
    """Kim's terms once more under each of many names, the first of which are `expired`."""
    over = service.clock.now - HOUR
    with service.storage.transaction() as tx:
        collection = require_collection(tx, DEFAULT)
        kim = tx.subjects.find(collection, "kim")
        assert kim is not None
        ends = [over] * expired + [kim.expires_at] * (people - expired)
        crowd = [Subject(f"p{n}", kim.enrolled_at, expires_at=end) for n, end in enumerate(ends)]
        tx.subjects.add_all(collection, crowd)


def test_process_far_ahead_purges_nobody(process: Process, tables: Tables) -> None:
    honest = process(timedelta(0))
    honest.enroll("kim", "kim", expires_at=honest.clock.now + DAY)
    before = tables.content()
    with pytest.raises(ClocksDisagree):
        _purge(process(FAR))
    assert tables.content() == before
    assert honest.verify("kim", "kim").decision.match


def test_process_far_ahead_purges_nobody_by_retention(process: Process, tables: Tables) -> None:
    honest = process(timedelta(0))
    honest.put(retention_days=365)
    honest.enroll("kim", "kim")
    before = tables.content()
    with pytest.raises(ClocksDisagree):
        _purge(process(FAR), DEFAULT)
    assert tables.content() == before


def test_clocks_that_agree_purge_as_ever(process: Process) -> None:
    honest = process(timedelta(0))
    honest.enroll("kim", "kim")
    _crowd(honest, 1, expired=1)
    assert _purge(honest) == [PurgeBatch(DEFAULT, removed=1)]


def test_database_far_ahead_purges_nobody(
    service: Service, database_url: str, vault: Vault
) -> None:
    service.enroll("kim", "kim", expires_at=service.clock.now + HOUR)
    storage = Storage(database_url, service.clock, lambda: vault, lambda _: service.clock() + FAR)
    jumped = replace(service, storage=storage)
    for _ in range(2):
        with pytest.raises(ClocksDisagree):
            _purge(jumped)
        service.clock.advance(HOUR)
    storage.close()


@pytest.mark.parametrize("ahead", [FAR, -FAR])
def test_keys_of_the_erased_are_not_forgotten_by_a_wrong_clock(
    process: Process, tables: Tables, ahead: timedelta
) -> None:
    """As when the database's own has jumped: a late retry would enroll them again."""
    honest = process(timedelta(0))
    honest.enroll("kim", "kim", idempotency_key="1")
    honest.erase("kim")
    tables.change("UPDATE erased_idempotency_keys SET forget_at = now()")
    with pytest.raises(ClocksDisagree):
        _purge(process(ahead))
    assert len(tables.rows("SELECT 1 FROM erased_idempotency_keys")) == 1
    assert _purge(honest) == []
    assert tables.rows("SELECT 1 FROM erased_idempotency_keys") == []


def test_name_is_not_given_away_by_a_process_far_ahead(process: Process, tables: Tables) -> None:
    honest = process(timedelta(0))
    honest.enroll("kim", "kim", expires_at=honest.clock.now + DAY)
    before = tables.beside_the_log()
    with pytest.raises(ClocksDisagree):
        process(FAR).enroll("kim", "another face")
    with pytest.raises(ClocksDisagree):
        process(FAR).bulk([Row(Place(Unit.LINE, 1), "kim", given(face_of("another face")))])
    assert tables.beside_the_log() == before


def test_longer_retention_removes_nobody_by_a_clock_far_ahead(
    process: Process, tables: Tables
) -> None:
    honest = process(timedelta(0))
    honest.put(retention_days=365)
    honest.enroll("kim", "kim")
    before = tables.beside_the_log()
    with pytest.raises(ClocksDisagree):
        process(FAR).put(retention_days=730)
    assert tables.beside_the_log() == before


@pytest.mark.parametrize("ahead", [FAR, -FAR])
def test_nobody_gets_a_wrong_date_from_which_retention_counts(
    process: Process, tables: Tables, ahead: timedelta
) -> None:
    """A clock that is behind would have them purged today, by one that is right."""
    process(timedelta(0)).put(retention_days=365)
    before = tables.beside_the_log()
    wrong = process(ahead)
    with pytest.raises(ClocksDisagree):
        wrong.enroll("kim", "kim")
    with pytest.raises(ClocksDisagree):
        wrong.bulk([Row(Place(Unit.LINE, 1), "kim", given(face_of("kim")))])
    assert tables.beside_the_log() == before


def test_small_number_goes_and_one_more_does_not(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim")
    _crowd(service, ALWAYS_REMOVED + 1, expired=ALWAYS_REMOVED + 1)
    before = tables.content()
    people = ALWAYS_REMOVED + 2
    assert _purge(service) == [PurgeBatch(DEFAULT, held=Expired(ALWAYS_REMOVED + 1, people))]
    assert tables.content() == before
    tables.change("DELETE FROM subjects WHERE subject_id = 'p1'")
    assert _purge(service) == [PurgeBatch(DEFAULT, removed=ALWAYS_REMOVED)]


def test_small_share_of_many_goes(service: Service) -> None:
    service.enroll("kim", "kim")
    _crowd(service, 999, expired=200)
    assert sum(batch.removed for batch in _purge(service)) == 200


def test_held_people_go_by_an_operators_word_and_by_that_alone(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim")
    _crowd(service, 300, expired=300)
    held = PurgeBatch(DEFAULT, held=Expired(300, 301))
    assert _purge(service) == _purge(service, "shop") == [held]
    assert sum(batch.removed for batch in _purge(service, DEFAULT)) == 300
    assert _purge(service) == []


def test_word_about_a_collection_that_is_not_there_is_refused(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        _purge(service, "shpo")


def test_held_people_are_nobody_to_every_caller(service: Service) -> None:
    end = service.clock.now + HOUR
    service.enroll("kim", "kim", expires_at=end)
    _crowd(service, ALWAYS_REMOVED)
    service.clock.now = end
    assert [batch.removed for batch in _purge(service)] == [0]
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim")
    assert service.found("kim") == []


def test_longer_retention_waits_for_the_word_too(service: Service, tables: Tables) -> None:
    service.put(retention_days=30)
    service.enroll("kim", "kim")
    _crowd(service, ALWAYS_REMOVED)
    service.clock.advance(30 * DAY)
    with pytest.raises(PurgeHeld):
        service.put(retention_days=60)
    service.put(retention_days=20, duplicate_policy=DuplicatePolicy.FLAG)
    assert len(tables.rows("SELECT 1 FROM subjects")) == ALWAYS_REMOVED + 1
    _purge(service, DEFAULT)
    service.put(retention_days=60)
    assert tables.rows("SELECT 1 FROM subjects") == []


def test_how_many_are_held_is_reported_at_the_end(service: Service) -> None:
    reports: list[int] = []
    purge = type(service.purge)(
        service.storage, service.vault, service.clock, service.audit, reports.append
    )
    service.enroll("kim", "kim")
    _crowd(service, 300, expired=300)
    list(purge.batches(wait=True))
    list(purge.batches(wait=True, confirmed=[DEFAULT]))
    assert reports == [300, 0]
