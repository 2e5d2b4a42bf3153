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
from tests.usecases.desk import DEFAULT, Desk, Tables

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def end(desk: Desk) -> datetime:
    """When Kim, who is enrolled, expires; Lee does not."""
    end = desk.clock.now + HOUR
    desk.enroll("kim", "kim", expires_at=end, metadata={"door": 1}, idempotency_key="1")
    desk.enroll("lee", "lee")
    return end


@pytest.fixture
def expired(desk: Desk, end: datetime) -> Desk:
    """The very moment."""
    desk.clock.now = end
    return desk


def test_until_then_all_is_as_ever(desk: Desk, end: datetime) -> None:
    desk.clock.now = end - MOMENT
    assert desk.verify("kim", "kim").decision.match
    assert desk.found("kim") == ["kim"]
    assert desk.subjects.show("kim", DEFAULT).expires_at == end


def test_expired_person_is_unknown_to_verification(expired: Desk) -> None:
    with pytest.raises(SubjectNotFound):
        expired.verify("kim", "kim")


def test_expired_person_is_not_found_and_not_counted_by_a_search(expired: Desk) -> None:
    result = expired.search("kim")
    assert (result.found, result.searched) == (False, 1)
    assert expired.collections.show(DEFAULT).templates == 1


def test_expired_person_is_nobodys_duplicate(expired: Desk) -> None:
    assert expired.enroll("kim2", "kim").duplicates == []


def test_expired_person_is_neither_listed_nor_shown_nor_exported(expired: Desk) -> None:
    listed = expired.subjects.page(DEFAULT, 10, None).subjects
    assert [one.subject_id for one in listed] == ["lee"]
    for call in (lambda: expired.subjects.show("kim", DEFAULT), lambda: expired.export("kim")):
        with pytest.raises(SubjectNotFound):
            call()


def test_expired_person_cannot_be_erased_nor_withdraw(expired: Desk) -> None:
    for call in (expired.erase, expired.withdraw_consent):
        with pytest.raises(SubjectNotFound):
            call("kim")


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_nothing_is_added_to_an_expired_person(expired: Desk, mode: Mode) -> None:
    with pytest.raises(SubjectNotFound):
        expired.enroll("kim", "kim:1", mode=mode)


def test_name_of_an_expired_person_is_free_for_somebody_else(expired: Desk, tables: Tables) -> None:
    expired.enroll("kim", "another face")
    rows = tables.rows("SELECT action FROM audit ORDER BY sequence")
    assert [row["action"] for row in rows] == ["enroll", "enroll", "expire", "enroll"]
    assert expired.found("another face") == ["kim"]
    assert expired.subjects.show("kim", DEFAULT).metadata is None


def test_retry_after_the_end_enrolls_nobody_again(desk: Desk, end: datetime) -> None:
    desk.enroll("choi", "choi", idempotency_key="2", expires_at=end)
    desk.clock.now = end
    with pytest.raises(IdempotencyConflict):
        desk.enroll("choi", "choi", idempotency_key="2", expires_at=end + HOUR)
    assert desk.enroll("choi", "choi", idempotency_key="3", expires_at=end + HOUR)


def test_model_is_free_where_everybody_has_expired(
    desk: Desk, restarted: Callable[[str], Desk]
) -> None:
    desk.enroll("kim", "kim", expires_at=desk.clock.now + HOUR)
    desk.clock.advance(HOUR)
    other = restarted("another model")
    assert other.enroll("lee", "lee").model_id == other.model_id


@pytest.mark.parametrize("ahead", [timedelta(0), -HOUR, timedelta(days=36_526)])
def test_moment_must_lie_in_the_next_hundred_years(desk: Desk, ahead: timedelta) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        desk.enroll("kim", "kim", expires_at=desk.clock.now + ahead)
    assert refusal.value.particulars == [{"field": "expiresAt", "problem": "out_of_range"}]


def test_refused_moment_costs_no_look_at_the_photographs(desk: Desk) -> None:
    with pytest.raises(InvalidRequest):
        desk.enroll("kim", "kim", expires_at=desk.clock.now)
    assert desk.capture.used == 0


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_given_moment_takes_the_place_of_the_old(desk: Desk, end: datetime, mode: Mode) -> None:
    desk.enroll("kim", "kim:1", mode=mode, expires_at=end + HOUR)
    desk.clock.now = end
    assert desk.subjects.show("kim", DEFAULT).expires_at == end + HOUR


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_moment_stays_where_none_is_given(desk: Desk, end: datetime, mode: Mode) -> None:
    desk.enroll("kim", "kim:1", mode=mode)
    assert desk.subjects.show("kim", DEFAULT).expires_at == end


def test_retention_counts_from_the_enrollment_whatever_is_added(desk: Desk) -> None:
    desk.put(retention_days=30)
    desk.enroll("kim", "kim")
    desk.clock.advance(29 * DAY)
    desk.enroll("kim", "kim:1", mode=Mode.REPLACE)
    assert desk.verify("kim", "kim").decision.match
    desk.clock.advance(DAY)
    with pytest.raises(SubjectNotFound):
        desk.verify("kim", "kim")


def test_retention_reaches_people_who_are_enrolled_already(desk: Desk) -> None:
    desk.enroll("kim", "kim")
    desk.clock.advance(31 * DAY)
    assert desk.found("kim") == ["kim"]
    desk.put(retention_days=31)
    assert desk.found("kim") == []


def test_longer_retention_brings_nobody_back(desk: Desk, tables: Tables) -> None:
    desk.put(retention_days=30)
    desk.enroll("kim", "kim")
    desk.clock.advance(30 * DAY)
    desk.put(retention_days=60)
    assert desk.found("kim") == []
    assert tables.rows("SELECT 1 FROM templates") == []
    assert len(tables.rows("SELECT 1 FROM audit WHERE action = 'expire'")) == 1


def test_retention_of_one_collection_does_not_reach_another(desk: Desk) -> None:
    desk.put("shop", retention_days=1)
    desk.enroll("kim", "kim")
    desk.clock.advance(2 * DAY)
    assert desk.found("kim") == ["kim"]


def test_enrolled_name_is_taken_until_the_end(desk: Desk, end: datetime) -> None:
    desk.clock.now = end - MOMENT
    with pytest.raises(SubjectExists):
        desk.enroll("kim", "another face")
