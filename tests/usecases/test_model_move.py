"""People are moved to another model as they come, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from service.domain.audit import AuditQuery
from service.domain.bulk import Place, Result, Row, Unit
from service.domain.collection import DuplicatePolicy, RequireLiveness
from service.domain.errors import (
    DuplicateSubject,
    ModelMismatch,
    ModelMoveUnderWay,
    ModelNotMoving,
    PeopleNotMoved,
    ProfilesMissing,
    SubjectNotFound,
)
from service.domain.face import ImageFiles
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.usecases.enrollment import Mode
from service.usecases.index_sync import IndexSync
from service.usecases.key_rotation import RotateKey
from service.usecases.model_move import MoveStatus
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import NextEngine, embedding_of_photo, given, photos

NEXT = NextEngine()
PEOPLE = ("kim", "lee", "park")


def quiet(moved: int, total: int) -> None:
    """Nobody watches."""


def killed(moved: int, total: int) -> None:
    """The process is, once the first templates are gone."""
    raise InterruptedError


@pytest.fixture
def pair(service: Service) -> Service:
    """Three people enrolled by the present model, and a process that serves the next one as well."""
    for name in PEOPLE:
        service.enroll(name, f"{name}:1")
    return replace(service, next_engine=NEXT)


@pytest.fixture
def moving(pair: Service) -> Service:
    pair.move_model.begin(DEFAULT, CALLER)
    return pair


def served(pair: Service, engine: NextEngine) -> Service:
    """The same, with this one as the next model."""
    return replace(pair, next_engine=engine)


def status(service: Service) -> MoveStatus:
    return service.move_model.status(DEFAULT)


def models_of(service: Service, subject_id: str) -> list[str]:
    shown = service.subjects.show(subject_id, DEFAULT).model_ids
    return [each.partition("@")[0] for each in shown]


def finish(service: Service, *, erase_unmoved: bool = False) -> None:
    service.move_model.finish(DEFAULT, CALLER, quiet, erase_unmoved=erase_unmoved)


def is_whole(service: Service) -> bool:
    return service.wiring.verify_audit().whole


def actions(service: Service) -> list[str]:
    records = service.wiring.list_audit(AuditQuery(), 100).records
    return [record.entry.action for record in reversed(records)]


def test_match_with_photographs_moves_a_person(moving: Service) -> None:
    assert moving.verify("kim", "kim:2").model_id == moving.model_id
    assert models_of(moving, "kim") == ["next", "stand-in"]
    assert (status(moving).people, status(moving).moved) == (3, 1)
    assert actions(moving)[-2:] == ["move", "verify"]
    assert is_whole(moving)


def test_photograph_moves_nobody_where_enrollments_need_somebody_living(moving: Service) -> None:
    moving.collections.change(DEFAULT, {"require_liveness": RequireLiveness.ENROLL}, CALLER)
    assert moving.verify("kim", "kim:2").decision.match
    assert models_of(moving, "kim") == ["stand-in"]


def test_who_was_moved_is_verified_by_the_next_model(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    again = moving.verify("kim", "kim:3")
    assert again.model_id == NEXT.model.model_id
    assert again.decision.similarity == pytest.approx(0.64, abs=0.01)
    assert not moving.verify("kim", "lee:3").decision.match
    assert models_of(moving, "lee") == ["stand-in"]


def test_before_the_move_begins_nobody_is_moved(pair: Service) -> None:
    assert pair.verify("kim", "kim:2").decision.match
    pair.enroll("choi", "choi:1")
    assert models_of(pair, "kim") == models_of(pair, "choi") == ["stand-in"]
    assert NEXT.model.model_id not in {status(pair).collection.model_id}


def test_no_match_no_photograph_and_no_doubtful_match_move_anybody(moving: Service) -> None:
    moving.verify("kim", "lee:2")
    moving.verify("kim", given(embedding_of_photo("kim:1")))
    moving.put(thresholds={"conservative": 0.7})
    assert moving.verify("kim", "kim:2").decision.match
    assert status(moving).moved == 0


@pytest.mark.parametrize("other", [NextEngine(unseen=["kim:2"]), NextEngine(elsewhere=["kim:2"])])
def test_next_model_must_see_the_same_face(moving: Service, other: NextEngine) -> None:
    pair = served(moving, other)
    assert pair.verify("kim", "kim:2").decision.match
    assert status(pair).moved == 0
    assert pair.verify("kim", "kim:3").decision.match
    assert status(pair).moved == 1


def test_who_was_moved_is_still_verified_by_an_embedding_of_the_present_model(
    moving: Service,
) -> None:
    moving.verify("kim", "kim:2")
    result = moving.verify("kim", given(embedding_of_photo("kim:1")))
    assert result.decision.match
    assert result.model_id == moving.model_id


def test_enrollment_stores_under_both(moving: Service) -> None:
    moving.enroll("choi", photos("choi:1", "choi:2"))
    assert models_of(moving, "choi") == ["next", "stand-in"]
    moving.enroll("kim", "kim:2", mode=Mode.ADD)
    assert models_of(moving, "kim") == ["next", "stand-in"]
    moving.enroll("lee", "lee:2", mode=Mode.REPLACE)
    assert models_of(moving, "lee") == ["next", "stand-in"]
    exported = {one.model_id: one.samples for one in moving.export("kim").templates}
    assert exported == {moving.model_id: 2, NEXT.model.model_id: 1}
    moving.enroll("kim", "kim:3", mode=Mode.ADD)
    exported = {one.model_id: one.samples for one in moving.export("kim").templates}
    assert exported == {moving.model_id: 3, NEXT.model.model_id: 2}
    assert is_whole(moving)


def test_replacing_what_the_next_model_does_not_see_leaves_nothing_old(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    other = served(moving, NextEngine(unseen=["kim:3"]))
    other.enroll("kim", "kim:3", mode=Mode.REPLACE)
    assert models_of(other, "kim") == ["stand-in"]
    assert is_whole(other)


def test_duplicate_check_finds_the_moved_and_the_unmoved(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    for name in PEOPLE:
        with pytest.raises(DuplicateSubject) as refusal:
            moving.enroll("other", f"{name}:4")
        assert [one.subject_id for one in refusal.value.candidates] == [name]
    assert moving.found("kim:4") == ["kim"]
    assert moving.found("lee:4") == ["lee"]


def test_whom_the_next_model_alone_recognizes_is_found(moving: Service, tables: Tables) -> None:
    """A face that the present model has forgotten is a duplicate all the same."""
    moving.verify("kim", "kim:2")
    moving.put(thresholds={"balanced": 0.99})
    assert moving.found("kim:4") == ["kim"]
    with pytest.raises(DuplicateSubject):
        moving.enroll("other", "kim:4")
    moving.put(duplicate_policy=DuplicatePolicy.FLAG, thresholds={"balanced": 0.99})
    flagged = moving.enroll("other", "kim:4").duplicates
    assert [one.subject_id for one in flagged] == ["kim"]
    assert tables.rows("SELECT 1 FROM templates WHERE subject_id = 'other'")


def test_finish_waits_for_the_unmoved(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    with pytest.raises(PeopleNotMoved) as refusal:
        finish(moving)
    assert (refusal.value.values["number"], refusal.value.values["people"]) == (2, 3)
    assert list(moving.move_model.unmoved(DEFAULT)) == ["lee", "park"]
    assert moving.verify("lee", "lee:2").decision.match


def test_finished_move_leaves_the_next_model_alone(moving: Service, tables: Tables) -> None:
    for name in PEOPLE:
        moving.verify(name, f"{name}:2")
    moving.put(thresholds={"balanced": 0.5})
    finish(moving)
    assert {row["model_id"] for row in tables.rows("SELECT model_id FROM templates")} == {
        NEXT.model.model_id
    }
    collection = status(moving).collection
    assert (collection.model_id, collection.next_model_id) == (NEXT.model.model_id, None)
    assert (collection.retiring_model_id, collection.settings.thresholds) == (None, {})
    assert moving.verify("kim", "kim:4").model_id == NEXT.model.model_id
    assert moving.found("lee:4") == ["lee"]
    moving.enroll("choi", "choi:1")
    assert models_of(moving, "choi") == ["next"]
    with pytest.raises(ModelMismatch):
        moving.verify("kim", given(embedding_of_photo("next kim:1")))
    assert is_whole(moving)
    alone = replace(moving, engine=NEXT, next_engine=None)
    assert alone.verify("kim", "kim:5").decision.match
    assert alone.verify("kim", given(embedding_of_photo("next kim:2"))).decision.match


def test_unmoved_are_erased_where_the_operator_says_so(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    finish(moving, erase_unmoved=True)
    with pytest.raises(SubjectNotFound):
        moving.verify("lee", "lee:2")
    assert actions(moving).count("erase") == 2
    assert moving.enroll("lee", "lee:1")
    assert moving.verify("kim", "kim:4").decision.match
    assert is_whole(moving)


def test_cancelled_move_leaves_the_present_model_alone(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    moving.move_model.cancel(DEFAULT, CALLER, quiet)
    assert models_of(moving, "kim") == ["stand-in"]
    assert moving.verify("kim", "kim:3").model_id == moving.model_id
    assert is_whole(moving)
    with pytest.raises(ModelNotMoving):
        moving.move_model.cancel(DEFAULT, CALLER, quiet)
    assert moving.move_model.begin(DEFAULT, CALLER).moved == 0


def test_move_that_was_finished_is_not_cancelled(moving: Service) -> None:
    """Nothing could be kept of it any more: who was not moved would be erased."""

    moving.verify("kim", "kim:2")
    with pytest.raises(InterruptedError):
        moving.move_model.finish(DEFAULT, CALLER, killed, erase_unmoved=True)
    assert status(moving).collection.retiring_model_id == moving.model_id
    with pytest.raises(ModelNotMoving):
        moving.move_model.cancel(DEFAULT, CALLER, quiet)
    finish(moving)
    assert status(moving).collection.retiring_model_id is None
    assert moving.verify("kim", "kim:4").decision.match


def test_cancelled_move_is_cancelled_to_its_end(moving: Service) -> None:
    moving.verify("kim", "kim:2")
    with pytest.raises(InterruptedError):
        moving.move_model.cancel(DEFAULT, CALLER, killed)
    moving.move_model.cancel(DEFAULT, CALLER, quiet)
    assert status(moving).collection.retiring_model_id is None
    assert models_of(moving, "lee") == ["stand-in"]


def test_nobody_is_moved_by_thresholds_that_were_lowered_for_a_while(moving: Service) -> None:
    moving.put(thresholds={"conservative": -1.0, "balanced": -1.0})
    assert moving.verify("kim", "lee:2").decision.match
    assert models_of(moving, "kim") == ["stand-in"]


def test_process_that_serves_one_of_two_models_decides_nothing(
    moving: Service, restarted: Callable[[str], Service]
) -> None:
    moving.verify("kim", "kim:2")
    both = f"{moving.model_id} -> {NEXT.model.model_id}"
    for other in (replace(moving, next_engine=None), restarted("next"), restarted("third")):
        calls: tuple[Callable[[], object], ...] = (
            partial(other.verify, "kim", "kim:3"),
            partial(other.search, "kim:3"),
            partial(other.enroll, "new", "new:1"),
            partial(other.enroll, "kim", "kim:3", mode=Mode.ADD),
        )
        for call in calls:
            with pytest.raises(ModelMismatch) as refusal:
                call()
            assert refusal.value.values == {"stored": both, "served": other.model_id}


def test_begun_twice_is_begun_once_and_not_to_a_third_model(moving: Service) -> None:
    moving.move_model.begin(DEFAULT, CALLER)
    assert actions(moving).count("model_move") == 1
    with pytest.raises(ModelMoveUnderWay):
        served(moving, NextEngine("third")).move_model.begin(DEFAULT, CALLER)


def test_collection_of_a_third_model_is_not_moved(
    pair: Service, restarted: Callable[[str], Service]
) -> None:
    third = replace(restarted("third"), next_engine=NEXT)
    with pytest.raises(ModelMismatch):
        third.move_model.begin(DEFAULT, CALLER)


def test_profile_without_a_threshold_by_the_next_model_stops_the_beginning(pair: Service) -> None:
    pair.put(thresholds={"door": 0.6})
    with pytest.raises(ProfilesMissing):
        pair.move_model.begin(DEFAULT, CALLER)
    assert status(pair).collection.next_model_id is None


def test_profile_that_the_next_model_lacks_is_not_set_meanwhile(moving: Service) -> None:
    with pytest.raises(ProfilesMissing):
        moving.put(thresholds={"door": 0.6})
    assert moving.put(thresholds={"balanced": 0.6})


def test_moved_people_survive_a_new_key_an_erasure_and_an_expiry(
    moving: Service, tables: Tables
) -> None:
    for name in PEOPLE:
        moving.verify(name, f"{name}:2")
    rotate = RotateKey(moving.storage, moving.vault, moving.clock, moving.audit)
    rotate(DEFAULT, CALLER, quiet)
    for name in PEOPLE:
        assert moving.verify(name, f"{name}:3").model_id == NEXT.model.model_id
        assert moving.found(f"{name}:4") == [name]
    assert moving.erase("kim").templates_deleted == 2
    assert moving.found("kim:4") == []
    moving.enroll("choi", "choi:1", expires_at=moving.clock() + timedelta(days=1))
    moving.clock.advance(timedelta(days=2))
    assert moving.found("choi:2") == []
    list(moving.purge.batches(wait=True))
    assert {row["subject_id"] for row in tables.rows("SELECT subject_id FROM templates")} == {
        "lee",
        "park",
    }
    assert is_whole(moving)


def test_bulk_enrollment_stores_and_compares_by_both(moving: Service, tables: Tables) -> None:
    moving.verify("kim", "kim:2")
    rows = [
        Row(Place(Unit.ROW, number), name, ImageFiles([photo]))
        for number, (name, photo) in enumerate(
            [("choi", "choi:1"), ("twin", "choi:2"), ("kim2", "kim:4"), ("lee2", "lee:4")]
        )
    ]
    results = [each.result for each in moving.bulk(rows)]
    assert results == [Result.ENROLLED, Result.REFUSED, Result.REFUSED, Result.REFUSED]
    assert models_of(moving, "choi") == ["next", "stand-in"]
    assert [each.result for each in moving.bulk(rows[:1])] == [Result.ALREADY]
    assert is_whole(moving)


def test_memory_of_searches_keeps_the_models_apart(moving: Service) -> None:
    moving.wiring.index = VectorIndex(2**30, TWO_BITS, workers=1)
    keep = IndexSync(moving.storage, moving.wiring.index, worth_holding=1)
    keep()
    moving.verify("kim", "kim:2")
    for _ in range(2):
        for name in PEOPLE:
            assert moving.found(f"{name}:4") == [name]
        with pytest.raises(DuplicateSubject):
            moving.enroll("other", "kim:5")
        keep()
    assert moving.wiring.index.state().rows == len(PEOPLE) + 1
    finish(moving, erase_unmoved=True)
    assert moving.found("kim:4") == ["kim"]
    assert moving.found("lee:4") == []
    keep()
    assert moving.wiring.index.state().rows == 1
    assert moving.found("kim:4") == ["kim"]


def test_server_finishes_by_itself_once_everybody_was_moved(moving: Service) -> None:
    counts: list[tuple[int, int]] = []
    advance = moving.wiring.advance_moves
    advance._report = lambda moved, waiting: counts.append((moved, waiting))
    assert advance() == []
    for name in PEOPLE:
        moving.verify(name, f"{name}:2")
    assert advance() == [NEXT.model.model_id]
    assert advance() == []
    assert counts == [(0, 3), (3, 0), (0, 0)]
    assert status(moving).collection.model_id == NEXT.model.model_id


def test_collection_without_people_begins_with_the_next_model(service: Service) -> None:
    both = replace(service, next_engine=NEXT)
    both.move_model.begin(DEFAULT, CALLER)
    both.enroll("kim", "kim:1")
    assert models_of(both, "kim") == ["next"]
