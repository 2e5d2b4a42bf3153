"""Templates of different models are never compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.errors import ModelMismatch, SubjectNotFound
from service.usecases.enrollment import Mode
from tests.usecases.service_process import CALLER, DEFAULT, Service

Restarted = Callable[[str], Service]


def test_first_enrollment_binds_the_collection_to_its_model(service: Service) -> None:
    assert service.collections.show(DEFAULT).collection.model_id is None
    service.enroll("kim", "kim:1")
    assert service.collections.show(DEFAULT).collection.model_id == service.model_id


def test_refused_enrollment_binds_nothing(service: Service) -> None:
    with pytest.raises(SubjectNotFound):
        service.enroll("kim", "kim:1", mode=Mode.ADD)
    assert service.collections.show(DEFAULT).collection.model_id is None


def test_another_model_can_neither_enroll_nor_verify_nor_search(
    service: Service, restarted: Restarted
) -> None:
    service.enroll("kim", "kim:1")
    other = restarted("other")
    for call in (
        lambda: other.enroll("lee", "lee:1"),
        lambda: other.enroll("kim", "kim:1", mode=Mode.ADD),
        lambda: other.enroll("kim", "kim:1", mode=Mode.REPLACE),
        lambda: other.verify("kim", "kim:1"),
        lambda: other.search("kim:1"),
    ):
        with pytest.raises(ModelMismatch) as refusal:
            call()
        assert refusal.value.values == {"stored": service.model_id, "served": other.model_id}


def test_model_that_enrolled_serves_again(service: Service, restarted: Restarted) -> None:
    service.enroll("kim", "kim:1")
    assert restarted(service.engine.model.name).verify("kim", "kim:1").decision.match


def test_same_name_with_other_weights_is_another_model(
    service: Service, restarted: Restarted
) -> None:
    renamed = restarted("other")
    assert renamed.model_id != service.model_id
    assert service.model_id.startswith("stand-in@sha256:")


def test_emptied_collection_takes_another_model(service: Service, restarted: Restarted) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    other = restarted("other")
    other.enroll("kim", "kim:1")
    assert service.collections.show(DEFAULT).collection.model_id == other.model_id
    with pytest.raises(ModelMismatch):
        service.search("kim:1")


def test_emptied_collection_can_be_searched_with_another_model(
    service: Service, restarted: Restarted
) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    result = restarted("other").search("kim:1")
    assert (result.found, result.searched) == (False, 0)


def test_emptied_collection_answers_verification_with_not_found(
    service: Service, restarted: Restarted
) -> None:
    service.enroll("kim", "kim:1")
    service.erase("kim")
    with pytest.raises(SubjectNotFound):
        restarted("other").verify("kim", "kim:1")


def test_deleted_default_collection_takes_another_model(
    service: Service, restarted: Restarted
) -> None:
    service.enroll("kim", "kim:1")
    service.collections.delete(DEFAULT, CALLER)
    assert restarted("other").enroll("kim", "kim:1")


def test_other_collections_may_have_other_models(service: Service, restarted: Restarted) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1")
    assert restarted("other").enroll("kim", "kim:1", collection="shop")
