"""A retry under the same `Idempotency-Key` gets the first answer, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.errors import (
    DuplicateSubject,
    IdempotencyConflict,
    SubjectExists,
    TemplateTampered,
)
from service.domain.face import CameraFrames
from service.storage.idempotency import KEYS_KEPT
from service.usecases.enrollment import Enrolled, Mode
from service.usecases.erase import PurgeBatch
from tests.domain.vectors import face_of
from tests.usecases.service_process import DEFAULT, KEY_HOLDER, LONG_ID, Service, Tables
from tests.usecases.stand_ins import StandInCapture, given, photos

DAY = timedelta(days=1)


def _shown(enrolled: Enrolled) -> dict[str, Any]:
    """All that a caller sees of an answer: of a sample never its embedding."""
    samples = [(sample.reason, sample.detection_score) for sample in enrolled.samples]
    fields = {name: getattr(enrolled, name) for name in Enrolled.__slots__ if name != "samples"}
    return {**fields, "samples": samples}


def test_retry_gets_the_first_answer(service: Service) -> None:
    service.enroll("kim2", "kim:3")
    fields: dict[str, Any] = {"idempotency_key": "1", "on_duplicate": DuplicatePolicy.FLAG}
    source = photos("kim:1", "no_face", "kim:2")
    first = service.enroll("kim", source, **fields)
    assert first.duplicates
    assert _shown(service.enroll("kim", source, **fields)) == _shown(first)


def test_retry_changes_nothing(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:2", mode=Mode.ADD, idempotency_key="1")
    before = tables.content()
    service.enroll("kim", "kim:2", mode=Mode.ADD, idempotency_key="1")
    assert tables.content() == before


def test_retry_does_not_use_the_source_again(service: Service) -> None:
    service.enroll("kim", "kim:1", idempotency_key="1")
    used, looked_at = service.capture.used, service.engine.looked_at
    service.enroll("kim", "kim:1", idempotency_key="1")
    assert (service.capture.used, service.engine.looked_at) == (used, looked_at)


def test_retry_does_not_open_the_camera_again(service: Service) -> None:
    kiosk = replace(service, capture=StandInCapture(film=["kim:1"]))
    for _ in range(2):
        kiosk.enroll("kim", CameraFrames(1), idempotency_key="1")
    assert kiosk.capture.used == 1


def test_without_a_key_the_second_enrollment_is_decided_anew(service: Service) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(SubjectExists):
        service.enroll("kim", "kim:1")


@pytest.mark.parametrize(
    "changed",
    [
        {"subject_id": "lee"},
        {"source": photos("kim:2")},
        {"source": given(face_of("kim"))},
        {"mode": Mode.ADD},
        {"on_duplicate": DuplicatePolicy.ALLOW},
        {"profile": "conservative"},
        {"metadata": {"door": 2}},
    ],
    ids=str,
)
def test_same_key_with_other_content_is_a_conflict(
    service: Service, changed: dict[str, Any]
) -> None:
    request: dict[str, Any] = {
        "subject_id": "kim",
        "source": photos("kim:1"),
        "metadata": {"door": 1},
        "idempotency_key": "1",
    }
    service.enroll(**request)
    with pytest.raises(IdempotencyConflict):
        service.enroll(**{**request, **changed})


def test_order_of_metadata_does_not_make_another_request(service: Service) -> None:
    first = service.enroll("kim", "kim:1", metadata={"a": 1, "b": 2}, idempotency_key="1")
    again = service.enroll("kim", "kim:1", metadata={"b": 2, "a": 1}, idempotency_key="1")
    assert again.template_id == first.template_id


def test_other_callers_same_key_is_another_key(service: Service) -> None:
    service.enroll("kim", "kim:1", idempotency_key="1", caller=KEY_HOLDER)
    with pytest.raises(SubjectExists):
        service.enroll("kim", "kim:1", idempotency_key="1", caller=replace(KEY_HOLDER, name="door"))


def test_same_key_in_another_collection_is_another_key(service: Service) -> None:
    service.put("shop")
    first = service.enroll("kim", "kim:1", idempotency_key="1")
    second = service.enroll("kim", "kim:1", idempotency_key="1", collection="shop")
    assert (second.collection, second.template_id != first.template_id) == ("shop", True)


def test_refused_enrollment_is_decided_anew(service: Service) -> None:
    service.enroll("lee", "kim:1")
    with pytest.raises(DuplicateSubject):
        service.enroll("kim", "kim:1", idempotency_key="1")
    service.erase("lee")
    assert service.enroll("kim", "kim:1", idempotency_key="1").subject_id == "kim"


def test_answer_is_gone_with_its_subject(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1", idempotency_key="1")
    service.erase("kim")
    assert tables.rows("SELECT 1 FROM idempotent_responses") == []


def test_kept_answer_is_sealed(service: Service, tables: Tables) -> None:
    enrolled = service.enroll(LONG_ID, "kim:1", idempotency_key="1")
    (row,) = tables.rows("SELECT sealed FROM idempotent_responses")
    assert str(enrolled.template_id).encode() not in row["sealed"]
    assert LONG_ID.encode() not in row["sealed"]


def test_altered_answer_is_not_given(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1", idempotency_key="1")
    tables.change(
        "UPDATE idempotent_responses SET sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1)"
    )
    with pytest.raises(TemplateTampered):
        service.enroll("kim", "kim:1", idempotency_key="1")


def by_erasing(service: Service) -> None:
    service.erase("kim")


def by_withdrawing_consent(service: Service) -> None:
    service.withdraw_consent("kim")


def by_expiring(service: Service) -> None:
    """Not purged yet."""
    service.clock.advance(DAY)


def by_purging(service: Service) -> None:
    service.clock.advance(DAY)
    assert sum(batch.removed for batch in purge_of(service)) == 1


def by_being_enrolled_over(service: Service) -> None:
    """Expired, and removed by the next one of this name."""
    service.clock.advance(DAY)
    service.enroll("kim", "somebody else")
    service.erase("kim")


def by_deleting_the_collection(service: Service) -> None:
    service.collections.delete(DEFAULT, "office")
    service.collections.ensure_default()


WAYS_TO_GO = [
    by_erasing,
    by_withdrawing_consent,
    by_expiring,
    by_purging,
    by_being_enrolled_over,
    by_deleting_the_collection,
]


def purge_of(service: Service) -> Iterator[PurgeBatch]:
    """By a database whose clock agrees."""
    return service.purge.batches(wait=True, confirmed=[DEFAULT])


@pytest.mark.parametrize("go", WAYS_TO_GO, ids=lambda go: go.__name__)
def test_late_retry_does_not_bring_back_who_is_gone(
    service: Service, go: Callable[[Service], None]
) -> None:
    request: dict[str, Any] = {
        "subject_id": "kim",
        "source": photos("kim:1"),
        "expires_at": service.clock.now + DAY / 2,
        "idempotency_key": "1",
    }
    service.enroll(**request)
    go(service)
    looked_at = service.engine.looked_at
    with pytest.raises(IdempotencyConflict):
        service.enroll(**request)
    assert service.engine.looked_at == looked_at
    assert service.found("kim:1") == []


def test_who_is_gone_is_enrolled_under_a_new_key(service: Service) -> None:
    service.enroll("kim", "kim:1", idempotency_key="1")
    service.erase("kim")
    with pytest.raises(IdempotencyConflict):
        service.enroll("lee", "lee:1", idempotency_key="1")
    assert service.enroll("kim", "kim:1", idempotency_key="2").subject_id == "kim"
    other = replace(KEY_HOLDER, name="door")
    assert service.enroll("lee", "lee:1", idempotency_key="1", caller=other).subject_id == "lee"


def test_photographs_added_by_a_late_retry_are_refused_as_well(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:2", mode=Mode.ADD, idempotency_key="1")
    service.erase("kim")
    with pytest.raises(IdempotencyConflict):
        service.enroll("kim", "kim:2", mode=Mode.ADD, idempotency_key="1")


def test_of_who_is_gone_a_keyed_hash_stays_and_nothing_else(
    service: Service, tables: Tables
) -> None:
    service.enroll(LONG_ID, "kim:1", idempotency_key=f"order-of-{LONG_ID}")
    service.erase(LONG_ID)
    (row,) = tables.rows("SELECT *, forget_at - now() AS kept FROM erased_idempotency_keys")
    assert set(row) == {"key_digest", "forget_at", "kept"}
    assert len(row["key_digest"]) == 32
    assert KEYS_KEPT - DAY < row["kept"] <= KEYS_KEPT


def test_key_is_forgotten_when_no_retry_comes_any_more(service: Service, tables: Tables) -> None:
    for name in ("kim", "lee"):
        service.enroll(name, f"{name}:1", idempotency_key=name)
        service.erase(name)
    tables.change(
        "UPDATE erased_idempotency_keys SET forget_at = now() WHERE forget_at IN "
        "(SELECT min(forget_at) FROM erased_idempotency_keys)"
    )
    assert service.enroll("kim", "kim:1", idempotency_key="kim").subject_id == "kim"
    list(purge_of(service))
    assert len(tables.rows("SELECT * FROM erased_idempotency_keys")) == 1
    with pytest.raises(IdempotencyConflict):
        service.enroll("lee", "lee:1", idempotency_key="lee")


def test_key_of_who_went_twice_is_kept_once(service: Service, tables: Tables) -> None:
    for _ in range(2):
        service.enroll("kim", "kim:1", idempotency_key="1")
        service.erase("kim")
        tables.change("UPDATE erased_idempotency_keys SET forget_at = now()")
    assert len(tables.rows("SELECT * FROM erased_idempotency_keys")) == 1
