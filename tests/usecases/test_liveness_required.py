"""Where a collection requires a liveness session, no other face is compared or enrolled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from service.domain.bulk import Place, Row, Unit
from service.domain.collection import RequireLiveness
from service.domain.errors import LivenessRequired
from service.domain.face import CameraFrames, DirectoryImages, Faces, FaceSource
from service.usecases.bulk_enroll import BulkEnroll
from service.usecases.bulk_transaction import BulkRequest
from service.usecases.enrollment import Mode
from tests.domain.vectors import face_of
from tests.usecases.service_process import CALLER, DEFAULT, KEY_HOLDER, Service, Tables
from tests.usecases.stand_ins import NextEngine, StandInCapture, given, photos

VERIFY, ENROLL, BOTH = RequireLiveness.VERIFY, RequireLiveness.ENROLL, RequireLiveness.BOTH
KIM = given(face_of("kim"))
SOURCES: dict[str, FaceSource] = {
    "photographs": photos("kim:2"),
    "embedding": KIM,
    "folder": DirectoryImages("kim", 3),
    "camera": CameraFrames(1),
}


@pytest.fixture
def kiosk(service: Service) -> Service:
    """With Kim enrolled, a folder and a camera of Kim."""
    service.enroll("kim", "kim:1")
    capture = StandInCapture({"kim": ["kim:3"]}, ["kim:4"])
    return replace(service, capture=capture)


def _looked_at(service: Service) -> int:
    return service.engine.looked_at


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("rule", [VERIFY, BOTH])
def test_nobody_is_verified_without_a_session(
    kiosk: Service, rule: RequireLiveness, name: str
) -> None:
    kiosk.put(require_liveness=rule)
    before = _looked_at(kiosk)
    with pytest.raises(LivenessRequired):
        kiosk.verify("kim", SOURCES[name])
    assert (_looked_at(kiosk), kiosk.capture.used) == (before, 0)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("rule", [ENROLL, BOTH])
def test_nobody_is_enrolled_without_a_session(
    kiosk: Service, tables: Tables, rule: RequireLiveness, name: str, mode: Mode
) -> None:
    kiosk.put(require_liveness=rule)
    before, people = _looked_at(kiosk), tables.rows("SELECT * FROM templates")
    with pytest.raises(LivenessRequired):
        kiosk.enroll("lee" if mode is Mode.CREATE else "kim", SOURCES[name], mode=mode)
    assert (_looked_at(kiosk), kiosk.capture.used) == (before, 0)
    assert tables.rows("SELECT * FROM templates") == people


def test_rule_is_that_of_the_transaction_that_decides(kiosk: Service, tables: Tables) -> None:
    """Where the call says itself which faces count, nothing is read before the model runs."""
    kiosk.put(require_liveness=BOTH)
    before = _looked_at(kiosk)
    with pytest.raises(LivenessRequired):
        kiosk.verify("kim", "kim:2", faces=Faces.ONE)
    with pytest.raises(LivenessRequired):
        kiosk.enroll("lee", "lee", faces=Faces.ONE)
    assert _looked_at(kiosk) == before + 2
    assert tables.rows("SELECT * FROM failed_comparisons") == []


def test_rule_holds_while_people_are_moved_to_another_model(service: Service) -> None:
    service.enroll("kim", "kim:1")
    moving = replace(service, next_engine=NextEngine())
    moving.move_model.begin(DEFAULT, CALLER)
    moving.put(require_liveness=VERIFY)
    with pytest.raises(LivenessRequired):
        moving.verify("kim", "kim:2")
    with pytest.raises(LivenessRequired):
        moving.verify("kim", "kim:2", faces=Faces.ONE)


def test_who_is_not_enrolled_is_answered_the_same(kiosk: Service) -> None:
    kiosk.put(require_liveness=VERIFY)
    for subject_id in ("kim", "nobody"):
        with pytest.raises(LivenessRequired):
            kiosk.verify(subject_id, KIM)


def test_refusal_is_written_down_and_counts_against_nobody(kiosk: Service, tables: Tables) -> None:
    kiosk.put(require_liveness=VERIFY)
    for _ in range(kiosk.rules.after + 1):
        with pytest.raises(LivenessRequired):
            kiosk.verify("kim", KIM)
    outcomes = tables.rows("SELECT outcome FROM audit ORDER BY sequence DESC LIMIT 1")
    assert [dict(one) for one in outcomes] == [{"outcome": "liveness_required"}]
    kiosk.put()
    assert kiosk.verify("kim", KIM).decision.match


def test_each_rule_leaves_the_rest_as_it_is(kiosk: Service) -> None:
    kiosk.put(require_liveness=ENROLL)
    assert kiosk.verify("kim", KIM).decision.match
    kiosk.put(require_liveness=VERIFY)
    kiosk.enroll("lee", "lee")
    kiosk.put(require_liveness=BOTH)
    assert kiosk.found("kim:2") == ["kim"]


def test_retry_of_what_was_enrolled_before_gets_its_answer(kiosk: Service) -> None:
    first = kiosk.enroll("lee", "lee", idempotency_key="1")
    kiosk.put(require_liveness=BOTH)
    assert kiosk.enroll("lee", "lee", idempotency_key="1").template_id == first.template_id


def _rows(*names: str) -> list[Row]:
    return [
        Row(Place(Unit.LINE, number), name, given(face_of(name)))
        for number, name in enumerate(names, 1)
    ]


class UnreadRows:
    def __iter__(self) -> Any:
        raise AssertionError


def test_nobody_is_enrolled_in_bulk(service: Service) -> None:
    service.put(require_liveness=ENROLL)
    with pytest.raises(LivenessRequired):
        service.bulk(UnreadRows())
    service.put(require_liveness=VERIFY)
    assert len(service.bulk(_rows("kim"))) == 1


def test_bulk_run_stops_at_the_batch_before_which_the_rule_was_set(
    service: Service, tables: Tables
) -> None:
    request = BulkRequest(DEFAULT, KEY_HOLDER)
    batch = service.wiring.enroll_batch(DEFAULT, coming=0)
    run = BulkEnroll(service.storage, batch, service.clock, sleep=lambda _: None)
    rows = _rows(*(f"p{uuid4().hex}" for _ in range(300)))
    with service.wiring.embedding_here(DEFAULT, None) as embed:
        outcomes = run(request, rows, embed)
        enrolled = len(next(outcomes))
        service.put(require_liveness=ENROLL)
        with pytest.raises(LivenessRequired):
            _read(outcomes)
    assert len(tables.rows("SELECT * FROM subjects")) == enrolled < len(rows)


def _read(outcomes: Iterable[object]) -> None:
    for _ in outcomes:
        pass
