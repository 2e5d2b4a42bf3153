"""From the moment that a person's time is over, they are not enrolled; purged or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from service.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    SubjectExists,
    SubjectNotFound,
)
from service.usecases.enrollment import Mode
from tests.usecases.service_process import DEFAULT, RULES, Service, Tables

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def end(service: Service) -> datetime:
    """When Kim, who is enrolled, expires; Lee does not."""
    end = service.clock.now + HOUR
    service.enroll("kim", "kim", expires_at=end, metadata={"door": 1}, idempotency_key="1")
    service.enroll("lee", "lee")
    return end


@pytest.fixture
def expired(service: Service, end: datetime) -> Service:
    """The very moment."""
    service.clock.now = end
    return service


def test_until_then_all_is_as_ever(service: Service, end: datetime) -> None:
    service.clock.now = end - MOMENT
    assert service.verify("kim", "kim").decision.match
    assert service.found("kim") == ["kim"]
    assert service.subjects.show("kim", DEFAULT).expires_at == end


def test_expired_person_is_unknown_to_verification(expired: Service) -> None:
    with pytest.raises(SubjectNotFound):
        expired.verify("kim", "kim")


def test_expired_person_is_unknown_even_where_they_were_locked(
    service: Service, end: datetime
) -> None:
    for number in range(RULES.after):
        service.verify("kim", f"stranger{number}")
    service.clock.now = end - MOMENT
    for number in range(RULES.after):
        service.verify("kim", f"other{number}")
    service.clock.now = end
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim")


def test_expired_person_is_not_found_and_not_counted_by_a_search(expired: Service) -> None:
    result = expired.search("kim")
    assert (result.found, result.searched) == (False, 1)
    assert expired.collections.show(DEFAULT).templates == 1


def test_expired_person_is_nobodys_duplicate(expired: Service) -> None:
    assert expired.enroll("kim2", "kim").duplicates == []


def test_expired_person_is_neither_listed_nor_shown_nor_exported(expired: Service) -> None:
    listed = expired.subjects.page(DEFAULT, 10, None).subjects
    assert [one.subject_id for one in listed] == ["lee"]
    for call in (lambda: expired.subjects.show("kim", DEFAULT), lambda: expired.export("kim")):
        with pytest.raises(SubjectNotFound):
            call()


def test_expired_person_cannot_be_erased_nor_withdraw(expired: Service) -> None:
    for call in (expired.erase, expired.withdraw_consent):
        with pytest.raises(SubjectNotFound):
            call("kim")


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_nothing_is_added_to_an_expired_person(expired: Service, mode: Mode) -> None:
    with pytest.raises(SubjectNotFound):
        expired.enroll("kim", "kim:1", mode=mode)


def test_name_of_an_expired_person_is_free_for_somebody_else(
    expired: Service, tables: Tables
) -> None:
    expired.enroll("kim", "another face")
    rows = tables.rows("SELECT action FROM audit ORDER BY sequence")
    assert [row["action"] for row in rows] == ["enroll", "enroll", "expire", "enroll"]
    assert expired.found("another face") == ["kim"]
    assert expired.subjects.show("kim", DEFAULT).metadata is None


def test_retry_after_the_end_enrolls_nobody_again(service: Service, end: datetime) -> None:
    service.enroll("choi", "choi", idempotency_key="2", expires_at=end)
    service.clock.now = end
    with pytest.raises(IdempotencyConflict):
        service.enroll("choi", "choi", idempotency_key="2", expires_at=end + HOUR)
    assert service.enroll("choi", "choi", idempotency_key="3", expires_at=end + HOUR)


def test_model_is_free_where_everybody_has_expired(
    service: Service, restarted: Callable[[str], Service]
) -> None:
    service.enroll("kim", "kim", expires_at=service.clock.now + HOUR)
    service.clock.advance(HOUR)
    other = restarted("another model")
    assert other.enroll("lee", "lee").model_id == other.model_id


@pytest.mark.parametrize("ahead", [timedelta(0), -HOUR, timedelta(days=36_526)])
def test_moment_must_lie_in_the_next_hundred_years(service: Service, ahead: timedelta) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        service.enroll("kim", "kim", expires_at=service.clock.now + ahead)
    allowed = {"after": "2026-01-01T00:00:00Z", "most": "2126-01-02T00:00:00Z"}
    assert refusal.value.particulars == [
        {"field": "expiresAt", "problem": "out_of_range", "allowed": allowed}
    ]


def test_refused_moment_costs_no_look_at_the_photographs(service: Service) -> None:
    with pytest.raises(InvalidRequest):
        service.enroll("kim", "kim", expires_at=service.clock.now)
    assert service.capture.used == 0


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_given_moment_takes_the_place_of_the_old(
    service: Service, end: datetime, mode: Mode
) -> None:
    service.enroll("kim", "kim:1", mode=mode, expires_at=end + HOUR)
    service.clock.now = end
    assert service.subjects.show("kim", DEFAULT).expires_at == end + HOUR


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_moment_stays_where_none_is_given(service: Service, end: datetime, mode: Mode) -> None:
    service.enroll("kim", "kim:1", mode=mode)
    assert service.subjects.show("kim", DEFAULT).expires_at == end


def test_retention_counts_from_the_enrollment_whatever_is_added(service: Service) -> None:
    service.put(retention_days=30)
    service.enroll("kim", "kim")
    service.clock.advance(29 * DAY)
    service.enroll("kim", "kim:1", mode=Mode.REPLACE)
    assert service.verify("kim", "kim").decision.match
    service.clock.advance(DAY)
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim")


def test_retention_reaches_people_who_are_enrolled_already(service: Service) -> None:
    service.enroll("kim", "kim")
    service.clock.advance(31 * DAY)
    assert service.found("kim") == ["kim"]
    service.put(retention_days=31)
    assert service.found("kim") == []


def test_longer_retention_brings_nobody_back(service: Service, tables: Tables) -> None:
    service.put(retention_days=30)
    service.enroll("kim", "kim")
    service.clock.advance(30 * DAY)
    service.put(retention_days=60)
    assert service.found("kim") == []
    assert tables.rows("SELECT 1 FROM templates") == []
    assert len(tables.rows("SELECT 1 FROM audit WHERE action = 'expire'")) == 1


def test_retention_of_one_collection_does_not_reach_another(service: Service) -> None:
    service.put("shop", retention_days=1)
    service.enroll("kim", "kim")
    service.clock.advance(2 * DAY)
    assert service.found("kim") == ["kim"]


def test_enrolled_name_is_taken_until_the_end(service: Service, end: datetime) -> None:
    service.clock.now = end - MOMENT
    with pytest.raises(SubjectExists):
        service.enroll("kim", "another face")
