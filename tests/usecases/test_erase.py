"""A person who is forgotten is nowhere any more, but for the log that says so."""

from __future__ import annotations

import pytest

from service.domain.errors import CollectionNotFound, SubjectNotFound
from service.usecases.enrollment import Mode
from tests.usecases.service_process import DEFAULT, LONG_ID, Service, Tables


def test_erased_person_is_not_found_by_verification(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim:1")


def test_erased_person_is_not_found_by_a_search(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("lee", "lee:1")
    service.erase("kim")
    result = service.search("kim:1")
    assert (result.found, result.searched) == (False, 1)


def test_erasure_counts_the_templates(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:2", mode=Mode.ADD)  # which makes one template of two photographs
    erasure = service.erase("kim")
    assert (erasure.subject_id, erasure.collection) == ("kim", DEFAULT)
    assert (erasure.templates_deleted, erasure.deleted_at) == (1, service.clock.now)


def test_nothing_of_an_erased_person_is_left_in_any_table(service: Service, tables: Tables) -> None:
    service.enroll(LONG_ID, "kim:1", metadata={"door": 1}, idempotency_key="1")
    assert LONG_ID in repr(tables.content())
    service.erase(LONG_ID)
    content = tables.content()
    assert all(content[name] == [] for name in ("subjects", "templates", "idempotent_responses"))
    assert LONG_ID not in repr(content)


def test_erasure_names_its_entry_in_the_log(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    erasure = service.erase("kim")
    (row,) = tables.rows("SELECT audit_id FROM audit WHERE action = 'erase'")
    assert row["audit_id"] == erasure.audit_id


def test_others_are_left_alone(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:1", collection="shop")
    service.enroll("lee", "lee:1")
    service.erase("kim")
    assert service.verify("lee", "lee:1").decision.match
    assert service.verify("kim", "kim:1", collection="shop").decision.match


def test_erased_name_and_face_can_be_enrolled_again(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    assert service.enroll("kim", "kim:1").duplicates == []


def test_who_is_not_enrolled_cannot_be_erased(service: Service) -> None:
    with pytest.raises(SubjectNotFound):
        service.erase("kim")
    with pytest.raises(CollectionNotFound):
        service.erase("kim", "nowhere")


def test_second_erasure_is_not_found(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    with pytest.raises(SubjectNotFound):
        service.erase("kim")
