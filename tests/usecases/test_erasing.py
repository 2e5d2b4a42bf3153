"""A person who is forgotten is nowhere any more, but for the log that says so."""

from __future__ import annotations

import pytest

from service.domain.errors import CollectionNotFound, SubjectNotFound
from service.usecases.enrollment import Mode
from tests.usecases.desk import DEFAULT, LONG_ID, Desk, Tables


def test_erased_person_is_not_found_by_verification(desk: Desk) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    with pytest.raises(SubjectNotFound):
        desk.verify("kim", "kim:1")


def test_erased_person_is_not_found_by_a_search(desk: Desk) -> None:
    desk.enroll("kim", "kim:1")
    desk.enroll("lee", "lee:1")
    desk.erase("kim")
    result = desk.search("kim:1")
    assert (result.found, result.searched) == (False, 1)


def test_erasure_counts_the_templates(desk: Desk) -> None:
    desk.enroll("kim", "kim:1")
    desk.enroll("kim", "kim:2", mode=Mode.ADD)
    erasure = desk.erase("kim")
    assert (erasure.subject_id, erasure.collection) == ("kim", DEFAULT)
    assert (erasure.templates_deleted, erasure.deleted_at) == (2, desk.clock.now)


def test_nothing_of_an_erased_person_is_left_in_any_table(desk: Desk, tables: Tables) -> None:
    desk.enroll(LONG_ID, "kim:1", metadata={"door": 1}, idempotency_key="1")
    assert LONG_ID in repr(tables.content())
    desk.erase(LONG_ID)
    content = tables.content()
    assert all(content[name] == [] for name in ("subjects", "templates", "answers"))
    assert LONG_ID not in repr(content)


def test_erasure_names_its_entry_in_the_log(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim:1")
    erasure = desk.erase("kim")
    (row,) = tables.rows("SELECT audit_id FROM audit WHERE action = 'erase'")
    assert row["audit_id"] == erasure.audit_id


def test_others_are_left_alone(desk: Desk) -> None:
    desk.put("shop")
    desk.enroll("kim", "kim:1")
    desk.enroll("kim", "kim:1", collection="shop")
    desk.enroll("lee", "lee:1")
    desk.erase("kim")
    assert desk.verify("lee", "lee:1").decision.match
    assert desk.verify("kim", "kim:1", collection="shop").decision.match


def test_erased_name_and_face_can_be_enrolled_again(desk: Desk) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    assert desk.enroll("kim", "kim:1").duplicates == []


def test_who_is_not_enrolled_cannot_be_erased(desk: Desk) -> None:
    with pytest.raises(SubjectNotFound):
        desk.erase("kim")
    with pytest.raises(CollectionNotFound):
        desk.erase("kim", "nowhere")


def test_second_erasure_is_not_found(desk: Desk) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    with pytest.raises(SubjectNotFound):
        desk.erase("kim")
