"""A session proves once, to one key, for one purpose and one person, that somebody was there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest

from service.domain.active_liveness import Judgment, Verdict
from service.domain.challenge import Step
from service.domain.errors import (
    FaceError,
    InvalidRequest,
    LandmarksUnavailable,
    LivenessExpired,
    LivenessFailed,
    LivenessUsed,
    RateLimited,
    SubjectLocked,
    SubjectMismatch,
)
from service.domain.face import Box, Image, Observation, ProvenFrame
from service.domain.liveness_session import (
    DETECTION,
    EMBEDDING,
    MOST_COST,
    MOST_FAILED_OF_KEY,
    MOST_FAILED_OF_SUBJECT,
    MOST_OPEN,
    PASSIVE,
    Purpose,
)
from service.domain.step_pose import Doubt
from service.storage.storage import Storage
from service.usecases.enrollment import Mode
from service.usecases.liveness_frames import FramesRequest, TakenFrames
from service.usecases.liveness_session import LivenessRequest
from service.usecases.liveness_start import StartedSession, StartLiveness
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.liveness_films import PoseEngine, frames_of, upload, without_models
from tests.usecases.service_process import DEFAULT, Service, Tables

CHALLENGE = (Step.LOOK_AHEAD, Step.TURN_LEFT, Step.LOOK_UP, Step.COME_CLOSER, Step.LOOK_AHEAD)


@pytest.fixture
def camera(service: Service) -> Service:
    """A service that sees poses, and asks for one challenge."""
    service = replace(service, engine=PoseEngine())
    service.wiring.start_liveness = StartLiveness(
        service.storage, service.vault, service.audit, service.engine, lambda: CHALLENGE
    )
    service.wiring.observe_ahead = service.wiring.observe_movement = without_models
    service.enroll("kim", "kim:1")
    return service


def begin(
    service: Service,
    subject_id: str | None = "kim",
    purpose: Purpose = Purpose.VERIFY,
    collection: str = DEFAULT,
) -> StartedSession:
    return service.wiring.start_liveness(
        LivenessRequest(purpose, collection, service.caller, subject_id)
    )


def send(service: Service, session_id: UUID, step: int, frames: list[str]) -> TakenFrames:
    return service.wiring.take_frames(
        FramesRequest(session_id, step, upload(frames), service.caller)
    )


def perform(
    service: Service, started: StartedSession, who: str = "kim", *, at_the_start: str | None = None
) -> ProvenFrame:
    """All steps, each met at once. `at_the_start`: who looks ahead first, where that is another one."""
    for number, step in enumerate(started.challenge):
        shown = at_the_start if at_the_start and number == 0 else who
        taken = send(service, started.session_id, number, frames_of(step, shown))
        assert taken.accepted, (step, taken.advice)
        last = number == len(started.challenge) - 1
        assert taken.next == (None if last else number + 1)
    return ProvenFrame(started.session_id)


def test_somebody_who_is_there_is_verified_as_live(camera: Service) -> None:
    verified = camera.verify("kim", perform(camera, begin(camera)))
    assert verified.decision.match
    assert verified.liveness is not None
    assert (verified.liveness.verdict, verified.liveness.doubts) == (Verdict.LIVE, ())
    assert [sample.reason for sample in verified.samples] == [None]


def test_somebody_else_who_is_there_is_live_and_no_match(camera: Service) -> None:
    verified = camera.verify("kim", perform(camera, begin(camera), "lee"))
    assert not verified.decision.match
    assert verified.liveness is not None
    assert verified.liveness.verdict is Verdict.LIVE


def test_session_is_used_once(camera: Service) -> None:
    proven = perform(camera, begin(camera))
    camera.verify("kim", proven)
    with pytest.raises(LivenessUsed):
        camera.verify("kim", proven)


def test_of_sixty_simultaneous_uses_one_counts(camera: Service) -> None:
    proven = perform(camera, begin(camera))
    found = outcomes([partial(camera.verify, "kim", proven)] * 60)
    kinds = Counter(type(each).__name__ for each in found)
    assert kinds["Verification"] == 1
    assert set(kinds) <= {"Verification", "LivenessUsed", "Overloaded"}


def test_two_connections_share_their_sessions(camera: Service, service_url: str) -> None:
    storage = Storage(service_url, camera.clock, lambda: camera.vault, lambda _: camera.clock())
    other = replace(camera, storage=storage)
    other.wiring.observe_ahead = other.wiring.observe_movement = without_models
    started = begin(camera)
    for number, step in enumerate(started.challenge):
        who = (camera, other)[number % 2]
        assert send(who, started.session_id, number, frames_of(step)).accepted
    assert other.verify("kim", ProvenFrame(started.session_id)).decision.match
    storage.close()


def other_key(service: Service) -> Service:
    other = replace(service, caller=replace(service.caller, name="other"))
    other.wiring.start_liveness = service.wiring.start_liveness
    other.wiring.observe_ahead = other.wiring.observe_movement = without_models
    return other


def test_nobody_else_can_go_on_with_a_session_or_use_it(camera: Service) -> None:
    started = begin(camera)
    with pytest.raises(LivenessExpired):
        send(other_key(camera), started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    proven = perform(camera, started)
    with pytest.raises(LivenessExpired):
        other_key(camera).verify("kim", proven)
    assert camera.verify("kim", proven).decision.match


def test_unknown_session_is_none(camera: Service) -> None:
    with pytest.raises(LivenessExpired):
        send(camera, uuid4(), 0, frames_of(Step.LOOK_AHEAD))
    with pytest.raises(LivenessExpired):
        camera.verify("kim", ProvenFrame(uuid4()))


def test_session_is_for_its_purpose_its_collection_and_its_person(camera: Service) -> None:
    camera.put("other")
    camera.enroll("kim", "kim:1", collection="other")
    camera.enroll("lee", "lee:1")
    proven = perform(camera, begin(camera))
    for wrong in (
        partial(camera.verify, "lee", proven),
        partial(camera.verify, "kim", proven, "other"),
        partial(camera.search, proven),
        partial(camera.enroll, "kim", proven, mode=Mode.ADD),
    ):
        with pytest.raises(LivenessFailed):
            wrong()
    assert camera.verify("kim", proven).decision.match, "nothing has used it"


@pytest.mark.parametrize("purpose", [Purpose.VERIFY, Purpose.ENROLL])
def test_session_is_about_somebody(camera: Service, purpose: Purpose) -> None:
    with pytest.raises(InvalidRequest):
        begin(camera, None, purpose)


def test_search_is_about_nobody(camera: Service) -> None:
    with pytest.raises(InvalidRequest):
        begin(camera, "kim", Purpose.SEARCH)


def test_session_goes_with_a_person_who_is_renamed(camera: Service) -> None:
    started = begin(camera)
    camera.rename("kim", "lee")
    proven = perform(camera, started)
    with pytest.raises(LivenessFailed):
        camera.verify("kim", proven)
    verified = camera.verify("lee", proven)
    assert verified.liveness is not None
    assert (verified.decision.match, verified.liveness.verdict) == (True, Verdict.LIVE)


def expire(tables: Tables) -> None:
    tables.change(
        "UPDATE liveness_sessions SET created_at = created_at - interval '90 s', expires_at = now()"
    )


def test_session_is_over_after_ninety_seconds(camera: Service, tables: Tables) -> None:
    started = begin(camera)
    [row] = tables.rows("SELECT expires_at - created_at AS lasts FROM liveness_sessions")
    assert round(row["lasts"].total_seconds()) == 90
    proven = perform(camera, started)
    expire(tables)
    for late in (
        partial(send, camera, started.session_id, 4, frames_of(Step.LOOK_AHEAD)),
        partial(camera.verify, "kim", proven),
    ):
        with pytest.raises(LivenessExpired):
            late()


def test_steps_come_in_their_order(camera: Service) -> None:
    started = begin(camera)
    with pytest.raises(InvalidRequest) as refused:
        send(camera, started.session_id, 1, frames_of(Step.TURN_LEFT))
    [problem] = refused.value.particulars
    assert (problem["field"], problem["allowed"]) == ("step", {"choices": [0]})


def test_session_that_is_over_is_so_also_once_it_was_emptied(
    camera: Service, tables: Tables
) -> None:
    proven = perform(camera, begin(camera))
    expire(tables)
    begin(camera, "lee")
    [row] = tables.rows(
        "SELECT sealed FROM liveness_sessions WHERE ended_at IS NULL AND expires_at <= now()"
    )
    assert row["sealed"] is None
    with pytest.raises(LivenessExpired):
        camera.verify("kim", proven)


@pytest.mark.parametrize(
    ("change", "told"),
    [("expires_at = now()", LivenessExpired), ("ended_at = now(), sealed = NULL", LivenessUsed)],
)
def test_session_that_changes_while_frames_are_looked_at_says_how(
    camera: Service, tables: Tables, change: str, told: type[FaceError]
) -> None:
    started = begin(camera)

    def meanwhile(image: Image, box: Box) -> Observation:
        tables.change(f"UPDATE liveness_sessions SET {change}")
        return without_models(image, box)

    camera.wiring.observe_ahead = meanwhile
    vars(camera.wiring).pop("take_frames", None)
    with pytest.raises(told):
        send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))


def test_print_of_a_morph_at_the_start_makes_nobody_somebody_else(camera: Service) -> None:
    """It is as much like the one as like the other, whose head then moves."""
    verified = camera.verify("kim", perform(camera, begin(camera), "lee", at_the_start="kim~lee"))
    assert verified.decision.match, "the frame that is compared"
    assert verified.liveness is not None
    assert verified.liveness.verdict is Verdict.ATTACK_SUSPECTED
    assert verified.liveness.doubts == (Doubt.ANOTHER_PERSON,)


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_print_of_a_morph_at_the_start_changes_nobodys_template(
    camera: Service, mode: Mode
) -> None:
    started = begin(camera, purpose=Purpose.ENROLL)
    proven = perform(camera, started, "lee", at_the_start="kim~lee")
    with pytest.raises(SubjectMismatch):
        camera.enroll("kim", proven, mode=mode)


def asking(camera: Service, scores: dict[str, float]) -> list[str]:
    """Passive models that say this of each face, by who is seen; which frames they were asked of."""
    asked: list[str] = []

    def observe(image: Image, box: Box) -> Observation:
        asked.append(image.tobytes().decode().rstrip())
        return Observation(scores[asked[-1].partition(":")[0]], b"")

    camera.wiring.observe_ahead = observe
    vars(camera.wiring).pop("take_frames", None)
    return asked


def test_passive_models_are_asked_of_three_frames_and_decide_nothing_alone(
    camera: Service,
) -> None:
    asked = asking(camera, {"kim": 0.2})
    verified = camera.verify("kim", perform(camera, begin(camera)))
    assert verified.liveness is not None
    assert verified.liveness == Judgment(Verdict.INCONCLUSIVE, (Doubt.LOOKS_ATTACKED,))
    assert len(asked) == 3


def test_frames_of_anybody_do_not_outvote_those_that_count(camera: Service) -> None:
    asking(camera, {"kim": 0.2, "lee": 1.0})
    started = begin(camera)
    for number in range(3):
        turned = [f"lee:{number}@40,0,1"]
        assert not send(camera, started.session_id, 0, turned).accepted
    verified = camera.verify("kim", perform(camera, started))
    assert verified.liveness is not None
    assert Doubt.LOOKS_ATTACKED in verified.liveness.doubts


def test_passive_models_are_part_of_the_cost(camera: Service) -> None:
    asked = asking(camera, {"lee": 1.0})
    started, before = begin(camera), cost(camera)
    for number in range(100):
        try:
            send(camera, started.session_id, 0, [f"lee:{number}@40,0,1"])
        except LivenessFailed:
            break
    assert 1000 < cost(camera) - before + PASSIVE * len(asked) <= MOST_COST


def test_step_that_is_not_met_says_what_is_missing(camera: Service) -> None:
    started = begin(camera)
    send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    taken = send(camera, started.session_id, 1, frames_of(Step.LOOK_AHEAD))
    assert (taken.accepted, taken.next, taken.advice) == (False, 1, Doubt.TURN_FURTHER)
    assert send(camera, started.session_id, 1, frames_of(Step.TURN_LEFT)).accepted


def test_movement_that_nobody_saw_is_not_met(camera: Service) -> None:
    started = begin(camera)
    send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    taken = send(camera, started.session_id, 1, frames_of(Step.TURN_LEFT, number=1))
    assert (taken.accepted, taken.advice) == (False, Doubt.WAY_UNSEEN)


def test_sheet_never_meets_a_turn(camera: Service) -> None:
    started = begin(camera)
    send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    for turned in (20, 40, 60):
        sheet = [f"kim:{turned}-{share}@flat{turned * share / 4},0,1" for share in range(1, 5)]
        assert not send(camera, started.session_id, 1, sheet).accepted
    verified = camera.verify("kim", ProvenFrame(started.session_id))
    assert verified.liveness is not None
    assert verified.liveness.verdict is Verdict.INCONCLUSIVE
    assert Doubt.TURN_FURTHER in verified.liveness.doubts


def test_session_without_a_face_that_looks_ahead_is_of_no_use(camera: Service) -> None:
    started = begin(camera)
    assert not send(camera, started.session_id, 0, ["no_face"]).accepted
    with pytest.raises(LivenessFailed):
        camera.verify("kim", ProvenFrame(started.session_id))


def test_unfinished_session_is_not_live(camera: Service) -> None:
    started = begin(camera)
    send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
    verified = camera.verify("kim", ProvenFrame(started.session_id))
    assert verified.liveness is not None
    assert verified.liveness.verdict is Verdict.INCONCLUSIVE
    assert Doubt.TOO_FEW_FRAMES in verified.liveness.doubts


def test_frame_that_came_before_is_an_attack(camera: Service) -> None:
    film = [frames_of(step) for step in CHALLENGE]
    for attempt, verdict in enumerate([Verdict.LIVE, Verdict.ATTACK_SUSPECTED]):
        started = begin(camera)
        for number, frames in enumerate(film):
            assert send(camera, started.session_id, number, frames).accepted
        verified = camera.verify("kim", ProvenFrame(started.session_id))
        assert verified.liveness is not None
        assert verified.liveness.verdict is verdict
        assert (Doubt.REPEATED in verified.liveness.doubts) is (attempt == 1)


def cost(service: Service) -> int:
    engine = service.engine
    return engine.looked_at * DETECTION + sum(engine.batches) * EMBEDDING


def test_session_costs_twelve_photographs_at_most(camera: Service) -> None:
    started, before = begin(camera), cost(camera)
    for _ in range(100):
        try:
            send(camera, started.session_id, 0, ["no_face"] * 8)
        except LivenessFailed:
            break
    assert 1100 < cost(camera) - before <= MOST_COST


def test_simultaneous_calls_cost_no_more(camera: Service) -> None:
    started, before = begin(camera), cost(camera)
    calls = [partial(send, camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))] * 20
    found = outcomes(calls)
    assert cost(camera) - before <= MOST_COST
    assert any(isinstance(each, TakenFrames) for each in found)


def test_whole_session_costs_less(camera: Service) -> None:
    started, before = begin(camera), cost(camera)
    perform(camera, started)
    assert cost(camera) - before <= 8 * DETECTION + 6 * EMBEDDING


def test_row_shows_nobody(camera: Service, tables: Tables) -> None:
    perform(camera, begin(camera, "kim"))
    [row] = tables.rows("SELECT * FROM liveness_sessions")
    assert b"kim" not in bytes(row["sealed"])
    assert len(bytes(row["subject"])) == 32
    camera.verify("kim", ProvenFrame(row["session_id"]))
    [row] = tables.rows("SELECT * FROM liveness_sessions")
    assert row["sealed"] is None, "nothing that was seen is kept"


def test_verdict_is_in_the_audit_log(camera: Service, tables: Tables) -> None:
    camera.verify("kim", perform(camera, begin(camera)))
    rows = tables.rows("SELECT action, outcome FROM audit ORDER BY sequence")
    found = [(row["action"], row["outcome"]) for row in rows][1:]
    assert found == [("liveness_start", "done"), ("liveness_verdict", "live"), ("verify", "match")]


def test_whoever_fails_too_often_has_to_wait(camera: Service) -> None:
    for _ in range(MOST_FAILED_OF_SUBJECT):
        begin(camera)  # the one before is abandoned
    begin(camera, "lee")
    begin(camera)
    with pytest.raises(SubjectLocked) as refused:
        begin(camera)
    assert 0 < refused.value.retry_after <= 600
    begin(other_key(camera))


def test_who_is_unlocked_may_begin_again(camera: Service) -> None:
    """The refusal says that whoever runs the service can do that."""
    for _ in range(MOST_FAILED_OF_SUBJECT + 1):
        begin(camera)
    with pytest.raises(SubjectLocked):
        begin(camera)
    camera.unlock("kim")
    begin(camera)


def test_of_simultaneous_starts_each_ends_those_before(camera: Service, tables: Tables) -> None:
    found = outcomes([partial(begin, camera)] * 40)
    begun = [each for each in found if isinstance(each, StartedSession)]
    assert len(begun) <= MOST_FAILED_OF_SUBJECT + 1
    left = tables.rows("SELECT 1 FROM liveness_sessions WHERE ended_at IS NULL")
    assert len(left) == 1


def test_engine_without_landmarks_begins_no_session(service: Service) -> None:
    service.engine.sees_landmarks = False
    with pytest.raises(LandmarksUnavailable):
        begin(service)


def test_sessions_that_end_as_live_do_not_count(camera: Service) -> None:
    for _ in range(MOST_FAILED_OF_SUBJECT + 2):
        camera.verify("kim", perform(camera, begin(camera)))


def test_key_has_only_so_many_open_sessions(camera: Service) -> None:
    for number in range(MOST_OPEN):
        begin(camera, f"person-{number}")
    with pytest.raises(RateLimited) as refused:
        begin(camera, "one-more")
    assert 0 < refused.value.retry_after <= 90


def test_key_may_fail_only_so_often(camera: Service, tables: Tables) -> None:
    for number in range(MOST_FAILED_OF_KEY):
        begin(camera, f"person-{number}")
        if number % 100 == 99:
            tables.change("UPDATE liveness_sessions SET expires_at = now()")
    with pytest.raises(RateLimited) as refused:
        begin(camera, "one-more")
    assert 500 < refused.value.retry_after <= 600


def test_sessions_are_forgotten(camera: Service, tables: Tables) -> None:
    perform(camera, begin(camera))
    expire(tables)
    list(camera.purge.batches(wait=True))
    [row] = tables.rows("SELECT sealed FROM liveness_sessions")
    assert row["sealed"] is None
    tables.change("UPDATE liveness_sessions SET expires_at = now() - interval '11 min'")
    begin(camera, "lee")
    assert len(tables.rows("SELECT 1 FROM liveness_sessions")) == 1


def test_erased_person_leaves_no_session(camera: Service, tables: Tables) -> None:
    perform(camera, begin(camera))
    begin(camera, "lee")
    camera.erase("kim")
    assert len(tables.rows("SELECT 1 FROM liveness_sessions")) == 1


def test_deleted_collection_leaves_no_session(camera: Service, tables: Tables) -> None:
    camera.put("other")
    started = begin(camera, collection="other")
    camera.collections.delete("other", "till")
    assert tables.rows("SELECT 1 FROM liveness_sessions") == []
    with pytest.raises(LivenessExpired):
        send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))


def test_session_whose_key_was_rotated_away_is_over(camera: Service) -> None:
    started = begin(camera)
    camera.wiring.rotate_key(DEFAULT, "till", lambda _moved, _total: None)
    with pytest.raises(LivenessExpired):
        send(camera, started.session_id, 0, frames_of(Step.LOOK_AHEAD))
