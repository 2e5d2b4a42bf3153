"""Templates of different models are never compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.errors import ModelMismatch, SubjectNotFound
from service.usecases.enrollment import Mode
from tests.usecases.desk import CALLER, DEFAULT, Desk

Restarted = Callable[[str], Desk]


def test_first_enrollment_binds_the_collection_to_its_model(desk: Desk) -> None:
    assert desk.collections.show(DEFAULT).collection.model_id is None
    desk.enroll("kim", "kim:1")
    assert desk.collections.show(DEFAULT).collection.model_id == desk.model_id


def test_refused_enrollment_binds_nothing(desk: Desk) -> None:
    with pytest.raises(SubjectNotFound):
        desk.enroll("kim", "kim:1", mode=Mode.ADD)
    assert desk.collections.show(DEFAULT).collection.model_id is None


def test_another_model_can_neither_enroll_nor_verify_nor_search(
    desk: Desk, restarted: Restarted
) -> None:
    desk.enroll("kim", "kim:1")
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
        assert refusal.value.values == {"stored": desk.model_id, "served": other.model_id}


def test_model_that_enrolled_serves_again(desk: Desk, restarted: Restarted) -> None:
    desk.enroll("kim", "kim:1")
    assert restarted(desk.engine.model.name).verify("kim", "kim:1").decision.match


def test_same_name_with_other_weights_is_another_model(desk: Desk, restarted: Restarted) -> None:
    renamed = restarted("other")
    assert renamed.model_id != desk.model_id
    assert desk.model_id.startswith("stand-in@sha256:")


def test_emptied_collection_takes_another_model(desk: Desk, restarted: Restarted) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    other = restarted("other")
    other.enroll("kim", "kim:1")
    assert desk.collections.show(DEFAULT).collection.model_id == other.model_id
    with pytest.raises(ModelMismatch):
        desk.search("kim:1")


def test_emptied_collection_can_be_searched_with_another_model(
    desk: Desk, restarted: Restarted
) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    result = restarted("other").search("kim:1")
    assert (result.found, result.searched) == (False, 0)


def test_emptied_collection_answers_verification_with_not_found(
    desk: Desk, restarted: Restarted
) -> None:
    desk.enroll("kim", "kim:1")
    desk.erase("kim")
    with pytest.raises(SubjectNotFound):
        restarted("other").verify("kim", "kim:1")


def test_deleted_default_collection_takes_another_model(desk: Desk, restarted: Restarted) -> None:
    desk.enroll("kim", "kim:1")
    desk.collections.delete(DEFAULT, CALLER)
    assert restarted("other").enroll("kim", "kim:1")


def test_other_collections_may_have_other_models(desk: Desk, restarted: Restarted) -> None:
    desk.put("shop")
    desk.enroll("kim", "kim:1")
    assert restarted("other").enroll("kim", "kim:1", collection="shop")
