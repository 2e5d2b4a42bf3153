"""The service's own camera films a liveness session, and runs for nobody who has none."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from service.domain.active_liveness import Verdict
from service.domain.challenge import Step
from service.domain.errors import (
    CameraUnavailable,
    FaceError,
    InvalidRequest,
    LivenessExpired,
    LivenessFailed,
    LivenessUsed,
)
from service.domain.face import CameraFrames, ProvenFrame
from service.domain.liveness_session import Purpose
from service.domain.step_pose import Doubt
from service.usecases.liveness_frames import FramesRequest, TakenFrames
from service.usecases.liveness_session import LivenessRequest
from tests.usecases.film_camera import CHALLENGE, FilmCamera, challenge
from tests.usecases.liveness_films import PoseEngine, frames_of
from tests.usecases.service_process import DEFAULT, Service

OFTEN = 100
"""More than a session is looked at."""


@pytest.fixture
def camera() -> FilmCamera:
    return FilmCamera()


@pytest.fixture
def kiosk(service: Service, camera: FilmCamera) -> Service:
    """Kim is enrolled; the camera's pauses take no time."""
    kiosk = replace(service, engine=PoseEngine(), capture=camera)
    challenge(kiosk.wiring, camera)
    kiosk.enroll("kim", "kim:1")
    camera.sources.clear()
    return kiosk


def begin(kiosk: Service) -> UUID:
    request = LivenessRequest(Purpose.VERIFY, DEFAULT, kiosk.caller, "kim")
    return kiosk.wiring.start_liveness(request).session_id


def film(kiosk: Service, session_id: UUID, step: int) -> TakenFrames:
    request = FramesRequest(session_id, step, CameraFrames(8), kiosk.caller)
    return kiosk.wiring.take_frames(request)


def test_somebody_before_the_camera_is_verified_as_live(kiosk: Service, camera: FilmCamera) -> None:
    session_id = begin(kiosk)
    for number, step in enumerate(CHALLENGE):
        camera.shows(frames_of(step, number=8))
        assert film(kiosk, session_id, number).accepted
    verified = kiosk.verify("kim", ProvenFrame(session_id))
    assert verified.decision.match
    assert verified.liveness is not None
    assert verified.liveness.verdict is Verdict.LIVE
    assert camera.released == camera.used == len(CHALLENGE)


def test_whoever_does_not_move_is_told_what_is_missing(kiosk: Service, camera: FilmCamera) -> None:
    session_id = begin(kiosk)
    camera.shows(frames_of(Step.LOOK_AHEAD))
    assert film(kiosk, session_id, 0).next == 1
    camera.shows(frames_of(Step.LOOK_AHEAD))
    taken = film(kiosk, session_id, 1)
    assert (taken.accepted, taken.advice) == (False, Doubt.TURN_FURTHER)


def refused(kiosk: Service, session_id: UUID, step: int = 0) -> type[FaceError]:
    with pytest.raises(FaceError) as error:
        film(kiosk, session_id, step)
    return type(error.value)


def test_camera_runs_for_no_session_that_there_is_not(kiosk: Service, camera: FilmCamera) -> None:
    camera.shows(frames_of(Step.LOOK_AHEAD))
    session_id = begin(kiosk)
    assert refused(kiosk, uuid4()) is LivenessExpired
    assert refused(kiosk, session_id, step=1) is InvalidRequest
    begin(kiosk)  # for the same person: the one before ends
    assert refused(kiosk, session_id) is LivenessUsed
    assert camera.used == 0


def test_camera_runs_no_more_once_a_session_has_cost_all_it_may(
    kiosk: Service, camera: FilmCamera
) -> None:
    camera.shows(*[["no_face"]] * OFTEN)
    session_id = begin(kiosk)
    with pytest.raises(LivenessFailed):
        keep_filming(kiosk, session_id)
    used = camera.used
    assert used < OFTEN
    assert refused(kiosk, session_id) is LivenessFailed
    assert camera.used == used


def keep_filming(kiosk: Service, session_id: UUID) -> None:
    for _ in range(OFTEN):
        film(kiosk, session_id, 0)


def test_camera_that_is_not_there_costs_a_session_nothing(
    kiosk: Service, camera: FilmCamera
) -> None:
    session_id = begin(kiosk)
    for _ in range(OFTEN):
        assert refused(kiosk, session_id) is CameraUnavailable
    camera.shows(frames_of(Step.LOOK_AHEAD))
    assert film(kiosk, session_id, 0).accepted
