"""What a session's verdict does to a decision: where it is required, and where it is only told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from service.domain.active_liveness import Judgment, Verdict
from service.domain.challenge import Step
from service.domain.collection import RequireLiveness
from service.domain.decision import Recommendation
from service.domain.errors import (
    DuplicateSubject,
    IdempotencyConflict,
    LivenessFailed,
    LivenessUsed,
    SubjectLocked,
    SubjectMismatch,
)
from service.domain.face import ProvenFrame
from service.domain.liveness_session import Purpose
from service.domain.step_pose import Doubt
from service.usecases.enrollment import Enrolled, Mode
from service.usecases.sampler import Probe, Samplers
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.liveness_films import frames_of
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import NextEngine
from tests.usecases.test_liveness import CHALLENGE, begin, camera, perform, send

__all__ = ["camera"]

VERIFY, ENROLL, BOTH = RequireLiveness.VERIFY, RequireLiveness.ENROLL, RequireLiveness.BOTH


def unfinished(service: Service, subject_id: str | None = "kim", **fields: Purpose) -> ProvenFrame:
    """Kim looked ahead, and no more."""
    started = begin(service, subject_id, **fields)
    send(service, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    return ProvenFrame(started.session_id)


def replayed(service: Service, subject_id: str | None = "kim", **fields: Purpose) -> ProvenFrame:
    """What was filmed of Kim is shown a second time."""
    film = [frames_of(step) for step in CHALLENGE]
    for _ in range(2):
        started = begin(service, subject_id, **fields)
        for number, frames in enumerate(film):
            assert send(service, started.session_id, number, frames).accepted
    return ProvenFrame(started.session_id)


def verdict(judgment: Judgment | None) -> Verdict | None:
    return None if judgment is None else judgment.verdict


def refusals(tables: Tables) -> int:
    rows = tables.rows("SELECT refusals FROM failed_comparisons")
    return sum(int(row["refusals"]) for row in rows)


NOT_LIVE: dict[str, tuple[Callable[..., ProvenFrame], Verdict, Recommendation]] = {
    "unfinished": (unfinished, Verdict.INCONCLUSIVE, Recommendation.RECAPTURE),
    "replayed": (replayed, Verdict.ATTACK_SUSPECTED, Recommendation.DENY),
}


@pytest.mark.parametrize("rule", [VERIFY, BOTH])
@pytest.mark.parametrize("name", NOT_LIVE)
def test_nobody_who_is_not_live_matches_where_it_is_required(
    camera: Service, tables: Tables, rule: RequireLiveness, name: str
) -> None:
    session, found, recommended = NOT_LIVE[name]
    camera.put(require_liveness=rule)
    verified = camera.verify("kim", session(camera))
    assert verified.decision.similarity >= verified.decision.profile.threshold
    assert (verified.decision.match, verified.decision.recommendation) == (False, recommended)
    assert verdict(verified.liveness) is found
    assert refusals(tables) == 1
    decided = tables.rows("SELECT outcome FROM audit ORDER BY sequence DESC LIMIT 2")
    assert [one["outcome"] for one in decided] == ["no_match", found]


@pytest.mark.parametrize("rule", [RequireLiveness.NONE, ENROLL])
@pytest.mark.parametrize("name", NOT_LIVE)
def test_verdict_is_told_where_it_is_not_required(
    camera: Service, tables: Tables, rule: RequireLiveness, name: str
) -> None:
    session, found, _ = NOT_LIVE[name]
    camera.put(require_liveness=rule)
    verified = camera.verify("kim", session(camera))
    assert (verified.decision.match, verdict(verified.liveness)) == (True, found)
    assert refusals(tables) == 0


def test_somebody_living_is_verified_where_it_is_required(camera: Service) -> None:
    camera.put(require_liveness=BOTH)
    verified = camera.verify("kim", perform(camera, begin(camera)))
    assert (verified.decision.match, verdict(verified.liveness)) == (True, Verdict.LIVE)


def test_somebody_else_who_lives_is_denied_by_the_face(camera: Service) -> None:
    camera.put(require_liveness=BOTH)
    verified = camera.verify("kim", perform(camera, begin(camera), "lee"))
    decision = verified.decision
    assert (decision.match, decision.recommendation) == (False, Recommendation.DENY)


def test_too_many_sessions_that_are_not_live_lock_the_subject(camera: Service) -> None:
    camera.put(require_liveness=VERIFY)
    few = replace(camera, rules=replace(camera.rules, after=3))
    few.wiring.start_liveness = camera.wiring.start_liveness
    few.wiring.observe_ahead = few.wiring.observe_movement = camera.wiring.observe_ahead
    for _ in range(3):
        assert not few.verify("kim", unfinished(few)).decision.match
    with pytest.raises(SubjectLocked):
        few.verify("kim", perform(few, begin(few)))


@pytest.mark.parametrize("rule", RequireLiveness)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", NOT_LIVE)
def test_nobody_is_enrolled_by_a_session_that_is_not_live(
    camera: Service, tables: Tables, name: str, mode: Mode, rule: RequireLiveness
) -> None:
    camera.put(require_liveness=rule)
    session, found, _ = NOT_LIVE[name]
    subject_id = "new" if mode is Mode.CREATE else "kim"
    proven = session(camera, subject_id, purpose=Purpose.ENROLL)
    before = tables.rows("SELECT * FROM templates")
    with pytest.raises(LivenessFailed) as refusal:
        camera.enroll(subject_id, proven, mode=mode)
    assert verdict(refusal.value.judgment) is found
    assert tables.rows("SELECT * FROM templates") == before
    with pytest.raises(LivenessUsed):
        camera.enroll(subject_id, proven, mode=mode)


def test_refused_session_is_counted_and_written_down(camera: Service, tables: Tables) -> None:
    proven = unfinished(camera, "new", purpose=Purpose.ENROLL)
    with pytest.raises(LivenessFailed):
        camera.enroll("new", proven)
    (row,) = tables.rows("SELECT verdict FROM liveness_sessions")
    assert row["verdict"] == Verdict.INCONCLUSIVE
    written = tables.rows("SELECT action, outcome FROM audit ORDER BY sequence DESC LIMIT 2")
    assert [(one["action"], one["outcome"]) for one in written] == [
        ("enroll", "liveness_failed"),
        ("liveness_verdict", "inconclusive"),
    ]


def test_somebody_living_is_enrolled_by_what_was_seen(camera: Service) -> None:
    camera.put(require_liveness=BOTH)
    started = begin(camera, "lee", Purpose.ENROLL)
    enrolled = camera.enroll("lee", perform(camera, started, "lee"))
    assert (verdict(enrolled.liveness), enrolled.images_used) == (Verdict.LIVE, 1)
    assert camera.found("lee") == ["lee"]


def test_duplicate_check_sees_the_face_of_a_session(camera: Service) -> None:
    proven = perform(camera, begin(camera, "kim2", Purpose.ENROLL))
    with pytest.raises(DuplicateSubject):
        camera.enroll("kim2", proven)


def test_stranger_is_not_added_by_a_session(camera: Service, tables: Tables) -> None:
    started = begin(camera, "kim", Purpose.ENROLL)
    proven = perform(camera, started, "lee")
    with pytest.raises(SubjectMismatch):
        camera.enroll("kim", proven, mode=Mode.ADD)
    assert refusals(tables) == 1
    with pytest.raises(LivenessUsed):
        camera.enroll("kim", proven, mode=Mode.ADD)


def test_retry_of_an_enrollment_gets_its_answer_though_the_session_is_used(
    camera: Service,
) -> None:
    proven = perform(camera, begin(camera, "lee", Purpose.ENROLL), "lee")
    first = camera.enroll("lee", proven, idempotency_key="1")
    again = camera.enroll("lee", proven, idempotency_key="1")
    assert (again.template_id, again.liveness) == (first.template_id, first.liveness)
    assert verdict(again.liveness) is Verdict.LIVE
    with pytest.raises(LivenessUsed):
        camera.enroll("lee", proven, idempotency_key="2")
    other = perform(camera, begin(camera, "lee", Purpose.ENROLL), "lee")
    with pytest.raises(IdempotencyConflict):
        camera.enroll("lee", other, idempotency_key="1")


class Overtaken:
    """In the place of the samplers: another call comes first."""

    def __init__(self, samplers: Samplers, other: Callable[[], Enrolled]) -> None:
        self._samplers = samplers
        self._other = other

    def probe(self, *asked: Any) -> Probe:
        self._other()
        return self._samplers.probe(*asked)


def test_retry_that_is_overtaken_by_the_first_call_gets_its_answer(camera: Service) -> None:
    proven = perform(camera, begin(camera, "lee", Purpose.ENROLL), "lee")
    first = partial(camera.enroll, "lee", proven, idempotency_key="1")
    retry = replace(camera)
    vars(retry.wiring)["samplers"] = Overtaken(camera.wiring.samplers, first)
    again = retry.enroll("lee", proven, idempotency_key="1")
    assert again.template_id == first().template_id


def test_simultaneous_retries_get_one_answer(camera: Service) -> None:
    proven = perform(camera, begin(camera, "lee", Purpose.ENROLL), "lee")
    found = outcomes([partial(camera.enroll, "lee", proven, idempotency_key="1")] * 20)
    assert len({each.template_id for each in found}) == 1


def test_search_is_made_whatever_the_verdict(camera: Service) -> None:
    camera.put(require_liveness=BOTH)
    for session, found, _ in NOT_LIVE.values():
        result = camera.search(session(camera, None, purpose=Purpose.SEARCH))
        assert verdict(result.liveness) is found
        assert [one.who.subject_id for one in result.candidates] == ["kim"]
    live = camera.search(perform(camera, begin(camera, None, Purpose.SEARCH)))
    assert verdict(live.liveness) is Verdict.LIVE
    assert camera.search("kim").liveness is None


def test_search_uses_the_session_up(camera: Service) -> None:
    proven = perform(camera, begin(camera, None, Purpose.SEARCH))
    camera.search(proven)
    with pytest.raises(LivenessUsed):
        camera.search(proven)


def test_reasons_are_told(camera: Service) -> None:
    verified = camera.verify("kim", replayed(camera))
    assert verified.liveness == Judgment(Verdict.ATTACK_SUSPECTED, (Doubt.REPEATED,))


@pytest.mark.parametrize("name", [*NOT_LIVE, "live"])
def test_nobody_is_moved_by_a_session_that_is_not_live(
    camera: Service, tables: Tables, name: str
) -> None:
    moving = replace(camera, next_engine=NextEngine())
    moving.wiring.start_liveness = camera.wiring.start_liveness
    moving.wiring.observe_ahead = moving.wiring.observe_movement = camera.wiring.observe_ahead
    moving.move_model.begin(DEFAULT, CALLER)
    session = NOT_LIVE[name][0] if name in NOT_LIVE else None
    proven = perform(moving, begin(moving)) if session is None else session(moving)
    assert moving.verify("kim", proven).decision.match
    assert len(tables.rows("SELECT * FROM templates")) == (2 if name == "live" else 1)
