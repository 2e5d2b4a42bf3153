"""A collection moves to a new data key while it is in use, and nobody notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.collection import Collection, DuplicatePolicy
from service.domain.errors import (
    CollectionNotFound,
    DuplicateSubject,
    Overloaded,
    SubjectLocked,
    TemplateTampered,
)
from service.storage.storage import Storage
from service.usecases.enrollment import Mode
from service.usecases.key_rotation import Progress, RotateKey, Rotation
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables

PEOPLE = ("kim", "lee", "park")


class Killed(BaseException):
    """What happens to a rotation in these tests."""


def rotate(service: Service, report: Progress | None = None) -> Rotation:
    return RotateKey(service.storage, service.vault, service.clock, service.audit)(
        DEFAULT, CALLER, report or _ignore
    )


def _ignore(moved: int, total: int) -> None: ...


def _collection(service: Service) -> Collection:
    return service.collections.show(DEFAULT).collection


@pytest.fixture
def one_row_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.usecases.key_rotation.ROWS_AT_A_TIME", 1)


@pytest.fixture
def enrolled(service: Service) -> Service:
    """Three people with metadata and consent, enrolled by calls that can be retried."""
    for name in PEOPLE:
        service.enroll(
            name,
            f"{name}:1",
            metadata={"door": name},
            consent_reference=f"form of {name}",
            idempotency_key=name,
        )
    return service


@pytest.fixture
def half_rotated(enrolled: Service, one_row_at_a_time: None) -> Service:
    """A rotation that was killed after one template and before two."""

    def kill(moved: int, total: int) -> None:
        if moved == 1:
            raise Killed

    with pytest.raises(Killed):
        rotate(enrolled, kill)
    return enrolled


def _keys_of_rows(tables: Tables) -> set[object]:
    """Those that the headers of sealed values name, and those that rows name."""
    rows = tables.rows(
        "SELECT key_id FROM templates"
        " UNION SELECT encode(substr(sealed, 2, 16), 'hex')::uuid FROM templates"
        " UNION SELECT encode(substr(metadata, 2, 16), 'hex')::uuid FROM subjects"
        " UNION SELECT encode(substr(consent, 2, 16), 'hex')::uuid FROM subjects"
        " UNION SELECT encode(substr(sealed, 2, 16), 'hex')::uuid FROM idempotent_responses"
    )
    return {row["key_id"] for row in rows}


def test_everything_is_under_the_new_key_and_the_old_one_is_gone(
    enrolled: Service, tables: Tables
) -> None:
    before = _collection(enrolled).keys.active
    done = rotate(enrolled)
    assert (done.moved, done.resumed) == (3 * len(PEOPLE), False)
    assert _keys_of_rows(tables) == {done.active}
    assert [row["key_id"] for row in tables.rows("SELECT key_id FROM collection_keys")] == [
        done.active
    ]
    assert done.active != before.key_id


def test_people_are_what_they_were(enrolled: Service) -> None:
    asked = [(name, enrolled.verify(name, f"{name}:2").decision) for name in PEOPLE]
    rotate(enrolled)
    for name, before in asked:
        assert enrolled.verify(name, f"{name}:2").decision == before
        assert enrolled.found(f"{name}:2") == [name]
        assert enrolled.subjects.show(name, DEFAULT).metadata == {"door": name}


def test_consent_and_metadata_of_a_person_are_both_under_the_new_key(
    enrolled: Service, tables: Tables
) -> None:
    query = "SELECT subject_id, metadata, consent FROM subjects ORDER BY 1"
    before = tables.rows(query)
    done = rotate(enrolled)
    for old, new in zip(before, tables.rows(query), strict=True):
        for column in ("metadata", "consent"):
            assert new[column] != old[column]
            assert new[column][1:17] == done.active.bytes
    for name in PEOPLE:
        shown, exported = enrolled.subjects.show(name, DEFAULT), enrolled.export(name)
        assert shown.metadata == exported.metadata == {"door": name}
        assert shown.consent_reference == exported.consent_reference == f"form of {name}"


@pytest.mark.parametrize(
    ("given", "kept"), [("metadata", "consent_reference"), ("consent_reference", "metadata")]
)
def test_what_a_call_writes_meanwhile_and_what_it_leaves_are_both_moved(
    half_rotated: Service, tables: Tables, given: str, kept: str
) -> None:
    """One half of the row is then under the new key, the other under the old one."""
    was = {"metadata": {"door": "kim"}, "consent_reference": "form of kim"}
    new = {"metadata": {"door": "back"}, "consent_reference": "form 2"}
    half_rotated.enroll("kim", "kim:2", mode=Mode.ADD, **{given: new[given]})
    assert (done := rotate(half_rotated)).resumed
    assert _keys_of_rows(tables) == {done.active}
    shown = half_rotated.subjects.show("kim", DEFAULT)
    assert (getattr(shown, given), getattr(shown, kept)) == (new[given], was[kept])


def test_who_has_no_metadata_or_no_consent_is_moved_too(service: Service) -> None:
    service.enroll("kim", "kim", metadata={"door": "kim"})
    service.enroll("lee", "lee", consent_reference="form of lee")
    assert rotate(service).moved == 4
    kim, lee = (service.subjects.show(name, DEFAULT) for name in ("kim", "lee"))
    assert (kim.metadata, kim.consent_reference) == ({"door": "kim"}, None)
    assert (lee.metadata, lee.consent_reference) == (None, "form of lee")


def test_expired_people_do_not_keep_the_old_key_alive(service: Service, tables: Tables) -> None:
    """They are hidden from every caller, and still in the tables until a purge."""
    ends = service.clock() + timedelta(hours=1)
    service.enroll("kim", "kim", consent_reference="form", expires_at=ends)
    service.clock.advance(timedelta(hours=2))
    done = rotate(service)
    assert _keys_of_rows(tables) - {None} == {done.active}
    assert sum(batch.removed for batch in service.purge.batches(wait=True)) == 1


def test_lock_out_outlasts_a_rotation(service: Service) -> None:
    strict = replace(service, rules=replace(service.rules, after=1))
    strict.enroll("kim", "kim")
    assert not strict.verify("kim", "lee").decision.match
    rotate(strict)
    with pytest.raises(SubjectLocked):
        strict.verify("kim", "kim")


def test_retried_enrollment_still_gets_its_first_answer(enrolled: Service) -> None:
    retry = {
        "metadata": {"door": "kim"},
        "consent_reference": "form of kim",
        "idempotency_key": "kim",
    }
    first = enrolled.enroll("kim", "kim:1", **retry)
    rotate(enrolled)
    assert enrolled.enroll("kim", "kim:1", **retry) == first


def test_audit_log_knows_people_by_the_same_name(enrolled: Service, tables: Tables) -> None:
    rotate(enrolled)
    enrolled.erase("kim")
    rows = tables.rows("SELECT subject FROM audit WHERE action IN ('enroll', 'erase')")
    assert len({row["subject"] for row in rows}) == len(PEOPLE)


def test_rotation_is_written_down(enrolled: Service, tables: Tables) -> None:
    rotate(enrolled)
    rows = tables.rows("SELECT action, caller, collection FROM audit ORDER BY sequence")
    assert [tuple(row.values()) for row in rows][len(PEOPLE) :] == [
        ("key_rotate", CALLER, DEFAULT),
        ("key_destroy", CALLER, DEFAULT),
    ]


def test_search_vectors_move_to_another_rotation(enrolled: Service, tables: Tables) -> None:
    query = "SELECT subject_id, search::text FROM templates ORDER BY 1"
    before = tables.rows(query)
    rotate(enrolled)
    assert all(old != new for old, new in zip(before, tables.rows(query), strict=True))


QUESTIONS: dict[str, Callable[[Service, str], Any]] = {
    "verify": lambda service, name: service.verify(name, f"{name}:2").decision.match,
    "search": lambda service, name: service.found(f"{name}:2") == [name],
    "show": lambda service, name: service.subjects.show(name, DEFAULT).metadata == {"door": name},
    "add": lambda service, name: service.enroll(name, f"{name}:2", mode=Mode.ADD),
    "replace": lambda service, name: service.enroll(name, f"{name}:2", mode=Mode.REPLACE),
    "erase": lambda service, name: service.erase(name),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_calls_work_under_both_keys(half_rotated: Service, tables: Tables, question: str) -> None:
    assert len(_keys_of_rows(tables)) == 2
    for name in PEOPLE:
        assert QUESTIONS[question](half_rotated, name)


@pytest.mark.parametrize("name", PEOPLE)
def test_no_duplicate_slips_in_under_either_key(half_rotated: Service, name: str) -> None:
    with pytest.raises(DuplicateSubject) as refused:
        half_rotated.enroll("another", f"{name}:2")
    assert [one.subject_id for one in refused.value.candidates] == [name]


def test_rows_of_both_keys_are_ranked_together(half_rotated: Service) -> None:
    for name in PEOPLE:
        half_rotated.enroll(f"{name}2", f"{name}:2", on_duplicate=DuplicatePolicy.ALLOW)
    assert half_rotated.found("lee:1") == ["lee", "lee2"]
    assert half_rotated.found("lee:2") == ["lee2", "lee"]


def test_whoever_enrolls_during_a_rotation_is_sealed_under_the_new_key(
    half_rotated: Service, tables: Tables
) -> None:
    half_rotated.enroll("choi", "choi")
    (row,) = tables.rows("SELECT key_id FROM templates WHERE subject_id = 'choi'")
    assert row["key_id"] == _collection(half_rotated).keys.active.key_id


def test_killed_rotation_is_resumed_under_the_same_key(
    half_rotated: Service, tables: Tables
) -> None:
    begun = _collection(half_rotated).keys.active
    done = rotate(half_rotated)
    assert (done.active, done.resumed, done.moved) == (begun.key_id, True, 3 * len(PEOPLE) - 1)
    assert _keys_of_rows(tables) == {begun.key_id}


def test_rotating_again_makes_another_key(enrolled: Service) -> None:
    first, second = rotate(enrolled), rotate(enrolled)
    assert first.active != second.active
    assert not second.resumed


def test_empty_collection_gets_a_new_key(service: Service, tables: Tables) -> None:
    assert rotate(service).moved == 0
    assert len(tables.rows("SELECT 1 FROM collection_keys")) == 1


def test_progress_ends_where_it_should(enrolled: Service, one_row_at_a_time: None) -> None:
    reports: list[tuple[int, int]] = []
    rotate(enrolled, lambda moved, total: reports.append((moved, total)))
    total = 3 * len(PEOPLE)
    assert reports == [(moved, total) for moved in range(total + 1)]


def test_altered_row_keeps_the_old_key_and_stops_no_other_row(
    enrolled: Service, tables: Tables
) -> None:
    tables.change(
        "UPDATE templates SET sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)"
        " WHERE subject_id = 'kim'"
    )
    with pytest.raises(TemplateTampered):
        rotate(enrolled)
    retiring = _collection(enrolled).keys.retiring
    assert retiring is not None
    (left,) = tables.rows(
        "SELECT subject_id FROM templates WHERE key_id = :old", old=retiring.key_id
    )
    assert left["subject_id"] == "kim"
    enrolled.erase("kim")
    assert rotate(enrolled).resumed
    assert _collection(enrolled).keys.retiring is None


def test_database_refuses_to_lose_a_key_that_a_row_is_under(half_rotated: Service) -> None:
    collection = _collection(half_rotated)
    lost = replace(collection, keys=replace(collection.keys, retiring=None))
    with pytest.raises(Overloaded), half_rotated.storage.transaction() as tx:
        tx.collections.set_keys(lost)
    assert _collection(half_rotated) == collection


def test_keys_stay_in_use_while_somebody_has_read_them(
    enrolled: Service, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is at work with the keys it read keeps new ones from being used."""
    monkeypatch.setattr("service.usecases.key_rotation.TRIES", 1)
    with storage.transaction() as tx:
        collection = tx.collections.find_with_keys_locked(DEFAULT)
        with pytest.raises(Overloaded):
            rotate(enrolled)
        assert tx.collections.find_with_keys_locked(DEFAULT) == collection
    assert not rotate(enrolled).resumed


def test_two_rotations_at_once_share_the_work(half_rotated: Service, tables: Tables) -> None:
    second: list[Rotation] = []

    def meanwhile(moved: int, total: int) -> None:
        if moved == 2 and not second:
            second.append(rotate(half_rotated))

    first = rotate(half_rotated, meanwhile)
    assert first.moved + second[0].moved == 3 * len(PEOPLE) - 1
    assert _keys_of_rows(tables) == {first.active} == {second[0].active}


def test_unknown_collection_is_not_rotated(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        RotateKey(service.storage, service.vault, service.clock, service.audit)(
            "nowhere", CALLER, _ignore
        )
