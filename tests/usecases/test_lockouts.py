"""Who tries many faces on one subject is stopped, in whatever way and wherever they try."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from service.domain.errors import (
    CollectionNotFound,
    ProfileNotFound,
    SubjectLocked,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.lockout import KEYS_TO_LOCK_ALL
from service.storage.storage import Storage
from service.usecases.enrollment import Mode
from service.usecases.verify import Verification
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.service_process import RULES, Service, Tables

TRIES = 100
COUNTED = "failed_comparisons"


@pytest.fixture
def kim(service: Service) -> Service:
    """Where Kim is enrolled, and others after them."""
    service.enroll("kim", "kim:1")
    return service


@pytest.fixture
def other_process(kim: Service, database_url: str) -> Iterator[Service]:
    """The same service once more, on connections of its own."""
    storage = Storage(database_url, vault=lambda: kim.vault)
    yield replace(kim, storage=storage)
    storage.close()


def holding(service: Service, key: str) -> Service:
    """Another caller, with a key of this name."""
    return replace(service, caller=replace(service.caller, name=key))


def guess(service: Service, times: int, first: int = 0) -> None:
    for number in range(first, first + times):
        assert not service.verify("kim", f"stranger{number}").decision.match


def lock(service: Service) -> None:
    guess(service, RULES.after)


def kinds(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_hundred_faces_tried_on_one_subject_get_ten_answers(kim: Service) -> None:
    results = [outcomes([partial(kim.verify, "kim", f"stranger{n}")])[0] for n in range(TRIES)]
    assert all(isinstance(one, Verification) for one in results[: RULES.after])
    assert all(isinstance(one, SubjectLocked) for one in results[RULES.after :])


def test_profile_that_there_is_not_is_told_before_a_lock(kim: Service) -> None:
    lock(kim)
    with pytest.raises(ProfileNotFound):
        kim.verify("kim", "kim:2", profile="no-such")


def test_hundred_faces_tried_at_once_by_two_processes_get_ten_answers(
    kim: Service, other_process: Service, tables: Tables
) -> None:
    services = [kim, other_process] * (TRIES // 2)
    calls = [partial(service.verify, "kim", f"stranger{n}") for n, service in enumerate(services)]
    assert kinds(outcomes(calls)) == {
        Verification.__name__: RULES.after,
        SubjectLocked.__name__: TRIES - RULES.after,
    }
    assert [row["refusals"] for row in tables.rows(f"SELECT * FROM {COUNTED}")] == [RULES.after]


def test_refusals_of_all_processes_count_together(kim: Service, other_process: Service) -> None:
    guess(kim, RULES.after - 1)
    guess(other_process, 1)
    with pytest.raises(SubjectLocked):
        kim.verify("kim", "kim:2")


def test_locked_subject_is_told_the_same_whatever_the_face(kim: Service) -> None:
    lock(kim)
    right, wrong = (outcomes([partial(kim.verify, "kim", face)])[0] for face in ("kim:2", "lee"))
    assert (type(right), right.values) == (type(wrong), wrong.values)
    assert isinstance(right, SubjectLocked)


def test_locked_out_is_told_how_long(kim: Service) -> None:
    lock(kim)
    kim.clock.advance(timedelta(minutes=5, microseconds=1))
    with pytest.raises(SubjectLocked) as refusal:
        kim.verify("kim", "kim:2")
    assert refusal.value.retry_after == 10 * 60


def test_tries_at_a_locked_subject_change_nothing(kim: Service, tables: Tables) -> None:
    lock(kim)
    before = tables.beside_the_log()
    for face in ("kim:2", "lee"):
        with pytest.raises(SubjectLocked):
            kim.verify("kim", face)
    assert tables.beside_the_log() == before


def test_lock_opens_by_itself(kim: Service) -> None:
    lock(kim)
    kim.clock.advance(RULES.lasts)
    assert kim.verify("kim", "kim:2").decision.match


def test_refusals_long_ago_do_not_count(kim: Service) -> None:
    guess(kim, RULES.after - 1)
    kim.clock.advance(RULES.window)
    guess(kim, RULES.after - 1)
    assert kim.verify("kim", "kim:2").decision.match


def test_match_wipes_no_refusals(kim: Service, tables: Tables) -> None:
    """Else a right face after every ninth wrong one would buy a stranger tries without end."""
    guess(kim, RULES.after - 1)
    assert kim.verify("kim", "kim:2").decision.match
    guess(kim, 1, first=RULES.after)
    with pytest.raises(SubjectLocked):
        kim.verify("kim", "kim:2")


def test_match_removes_what_no_longer_counts(kim: Service, tables: Tables) -> None:
    guess(kim, 1)
    guess(holding(kim, "door"), 1)
    kim.clock.advance(RULES.window)
    guess(holding(kim, "gate"), 1)
    assert kim.verify("kim", "kim:2").decision.match
    assert [row["caller"] for row in tables.rows(f"SELECT * FROM {COUNTED}")] == ["gate"]


def test_one_key_locks_a_subject_for_itself_alone(kim: Service) -> None:
    lock(kim)
    with pytest.raises(SubjectLocked):
        kim.verify("kim", "kim:2")
    assert holding(kim, "door").verify("kim", "kim:2").decision.match


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_key_that_may_enroll_locks_nobody_out(kim: Service, mode: Mode) -> None:
    """Seen: 30 of 30 people locked in 17 seconds by strangers offered for enrollment."""
    enroller = holding(kim, "enroller")
    for number in range(3 * RULES.after):
        with pytest.raises((SubjectMismatch, SubjectLocked)):
            enroller.enroll("kim", f"stranger{number}", mode=mode)
    assert kim.verify("kim", "kim:2").decision.match


def test_so_many_keys_lock_a_subject_for_all(
    kim: Service, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(KEYS_TO_LOCK_ALL - 1):
        guess(holding(kim, f"thief-{number}"), RULES.after)
    assert kim.verify("kim", "kim:2").decision.match
    guess(holding(kim, "thief"), RULES.after)
    with pytest.raises(SubjectLocked) as refusal:
        kim.verify("kim", "kim:2")
    assert refusal.value.retry_after == RULES.lasts.total_seconds()
    assert "every key" in caplog.records[-1].getMessage()


def test_however_many_keys_somebody_has_a_subject_meets_so_many_strangers(kim: Service) -> None:
    thieves = [holding(kim, f"thief-{number}") for number in range(2 * KEYS_TO_LOCK_ALL)]
    results = [
        outcomes([partial(thief.verify, "kim", f"stranger{n}")])[0]
        for n in range(RULES.after)
        for thief in thieves
    ]
    assert kinds(results)[Verification.__name__] == KEYS_TO_LOCK_ALL * RULES.after


def test_lock_for_all_opens_by_itself(kim: Service) -> None:
    for number in range(KEYS_TO_LOCK_ALL):
        guess(holding(kim, f"thief-{number}"), RULES.after)
    kim.clock.advance(RULES.lasts)
    assert kim.verify("kim", "kim:2").decision.match


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_strangers_offered_for_enrollment_count_as_well(kim: Service, mode: Mode) -> None:
    for number in range(RULES.after):
        with pytest.raises(SubjectMismatch):
            kim.enroll("kim", f"stranger{number}", mode=mode)
    for call in (kim.verify, partial(kim.enroll, mode=mode)):
        with pytest.raises(SubjectLocked):
            call("kim", "kim:2")


def test_strangers_offered_at_once_get_ten_answers(kim: Service) -> None:
    calls = [partial(kim.enroll, "kim", f"stranger{n}", mode=Mode.ADD) for n in range(20)]
    assert kinds(outcomes(calls)) == {
        SubjectMismatch.__name__: RULES.after,
        SubjectLocked.__name__: 20 - RULES.after,
    }


def test_photograph_of_the_subject_that_is_added_wipes_no_refusals(
    kim: Service, tables: Tables
) -> None:
    guess(kim, 1)
    kim.enroll("kim", "kim:2", mode=Mode.ADD)
    assert [row["refusals"] for row in tables.rows(f"SELECT * FROM {COUNTED}")] == [1]


def test_others_are_not_locked_with_them(kim: Service) -> None:
    kim.enroll("lee", "lee:1")
    lock(kim)
    assert kim.verify("lee", "lee:2").decision.match


def test_unknown_subject_leaves_no_trace(kim: Service, tables: Tables) -> None:
    for _ in range(RULES.after + 1):
        with pytest.raises(SubjectNotFound):
            kim.verify("nobody", "lee")
    assert tables.rows(f"SELECT * FROM {COUNTED}") == []


def test_refusals_go_with_their_subject(kim: Service, tables: Tables) -> None:
    lock(kim)
    kim.erase("kim")
    assert tables.rows(f"SELECT * FROM {COUNTED}") == []


def test_refusals_go_with_their_collection(kim: Service, tables: Tables) -> None:
    lock(kim)
    kim.collections.delete("default", "admin")
    assert tables.rows(f"SELECT * FROM {COUNTED}") == []


def test_number_zero_locks_nobody(kim: Service, tables: Tables) -> None:
    unlimited = replace(kim, rules=replace(RULES, after=0))
    guess(unlimited, 2 * RULES.after)
    assert tables.rows(f"SELECT * FROM {COUNTED}") == []


def test_unlocked_subject_is_verified_again_with_every_key(kim: Service, tables: Tables) -> None:
    for number in range(KEYS_TO_LOCK_ALL):
        guess(holding(kim, f"thief-{number}"), RULES.after)
    kim.unlock("kim")
    assert tables.rows(f"SELECT * FROM {COUNTED}") == []
    guess(kim, RULES.after - 1)
    assert kim.verify("kim", "kim:2").decision.match


def test_unlocking_is_written_down_without_a_name(kim: Service, tables: Tables) -> None:
    kim.unlock("kim")
    (entry,) = tables.rows("SELECT * FROM audit WHERE action = 'unlock'")
    assert (entry["caller"], entry["collection"]) == ("till", "default")
    assert len(entry["subject"]) == 32


def test_only_who_is_enrolled_can_be_unlocked(kim: Service) -> None:
    with pytest.raises(SubjectNotFound):
        kim.unlock("nobody")
    with pytest.raises(CollectionNotFound):
        kim.unlock("kim", "nowhere")


def test_operator_reads_of_a_lock_in_the_log_but_not_whose(
    kim: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        lock(kim)
    (record,) = caplog.records
    assert "locked" in record.getMessage()
    assert "kim" not in record.getMessage()
