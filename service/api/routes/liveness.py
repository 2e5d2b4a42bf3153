"""Is there a person before the camera, and not a picture of one? A challenge, answered frame by frame."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import ConfigDict, Field, model_validator

from service.api.auth import AllUseCases, CallersLanguage, LivenessCaller
from service.api.models import (
    WHOLE,
    Base64Image,
    Camel,
    CollectionName,
    SubjectId,
    exactly_one,
    json_response,
    one_of,
    require_one,
)
from service.api.openapi import PROBLEMS, example, images_body, json_body, refusals
from service.api.request_body import body_of, read_json
from service.domain.callers import Scope
from service.domain.challenge import Step
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.errors import SubjectLocked
from service.domain.face import CameraFrames, Uploads
from service.domain.liveness_session import (
    MOST_FRAMES_OF_A_CALL,
    Purpose,
    fewest_frames,
    most_frames,
)
from service.texts import Language, advice_text, text
from service.usecases.liveness_frames import FramesRequest, TakenFrames
from service.usecases.liveness_session import LivenessRequest
from service.usecases.liveness_start import StartedSession

router = APIRouter(prefix="/liveness/sessions", tags=["liveness"], responses=PROBLEMS)

_SESSION = "0f6b3f3e-2a35-4a52-a2a7-3c3f0c0c7a10"


class SessionBody(Camel):
    """`subjectId`: whom it is about; for a search nobody."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            {
                "required": ["subjectId"],
                "properties": {
                    "purpose": {"enum": [Purpose.VERIFY, Purpose.ENROLL]},
                    "subjectId": {"type": "string"},
                },
            },
            {
                "properties": {
                    "purpose": {"const": Purpose.SEARCH},
                    "subjectId": {"type": "null"},
                },
            },
        )
    )

    purpose: Purpose
    collection: CollectionName = DEFAULT_COLLECTION
    subject_id: SubjectId | None = None


class StepAnswer(Camel):
    step: int
    do: Step
    message: str = Field(description="What the person is to do, in the caller's language")


class SessionAnswer(Camel):
    session_id: UUID
    challenge: list[StepAnswer]
    min_frames: int
    max_frames: int
    expires_at: datetime


class OwnCamera(Camel):
    """The camera of the service's machine; there is nothing to say about it."""


class FramesBody(Camel):
    """`images`: in the order in which they were taken. `camera`: the service takes them now."""

    model_config = ConfigDict(json_schema_extra=exactly_one("images", "camera"))

    step: Annotated[int, Field(ge=0), WHOLE]
    images: list[Base64Image] | None = Field(
        None, min_length=1, max_length=MOST_FRAMES_OF_A_CALL, repr=False
    )
    camera: OwnCamera | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        require_one({"images": self.images, "camera": self.camera})
        return self

    @property
    def source(self) -> Uploads | CameraFrames:
        if self.images is None:
            return CameraFrames(MOST_FRAMES_OF_A_CALL)
        return Uploads(self.images)


class FramesAnswer(Camel):
    """`next`: the step to go on with, the same again where it was not accepted; null when all are done.
    `advice`: what is missing, in the caller's language; null where the step was accepted.
    """

    accepted: bool
    next: int | None
    advice: str | None


@router.post(
    "",
    status_code=201,
    responses=refusals(SubjectLocked)
    | example(
        {
            "sessionId": _SESSION,
            "challenge": [
                {"step": 0, "do": "look_ahead", "message": "Look straight into the camera."},
                {"step": 1, "do": "turn_left", "message": "Turn your head slowly to your left."},
            ],
            "minFrames": 6,
            "maxFrames": 40,
            "expiresAt": "2026-11-27T09:30:00Z",
        },
        status=201,
    ),
    response_model=SessionAnswer,
    openapi_extra=json_body(
        SessionBody, {"purpose": "verify", "collection": "default", "subjectId": "user-1"}
    ),
)
def begin_session(
    caller: LivenessCaller,
    use_cases: AllUseCases,
    language: CallersLanguage,
    body: Annotated[SessionBody, Depends(body_of(SessionBody, read_json))],
) -> Response:
    """Begin a liveness session: a random challenge, for one use within 90 seconds.

    It needs the scope of its purpose: `verify`, `enroll`, or `search` for dedupe and identify.
    """
    caller.require(Scope(body.purpose.value))
    started = use_cases.start_liveness(
        LivenessRequest(body.purpose, body.collection, caller, body.subject_id)
    )
    return json_response(_session_answer(started, language), 201)


@router.post(
    "/{sessionId}/frames",
    responses=example({"accepted": True, "next": 2, "advice": None}),
    response_model=FramesAnswer,
    openapi_extra=images_body(FramesBody, {"camera": {}}, step=1),
)
def take_frames(
    caller: LivenessCaller,  # named first: see body_of
    use_cases: AllUseCases,
    language: CallersLanguage,
    session_id: Annotated[UUID, Path(alias="sessionId")],
    body: Annotated[FramesBody, Depends(body_of(FramesBody))],
) -> Response:
    """Take the frames of one step. They are looked at and forgotten: no picture is stored.

    The last frame must show where the movement ends, and those before it how it came there. With `camera` the service's own
    camera takes them, for two seconds from now.
    """
    request = FramesRequest(session_id, body.step, body.source, caller)
    return json_response(_frames_answer(use_cases.take_frames(request), language))


def _session_answer(started: StartedSession, language: Language) -> SessionAnswer:
    return SessionAnswer(
        session_id=started.session_id,
        challenge=[
            StepAnswer(step=number, do=step, message=text(language, f"liveness.step.{step}"))
            for number, step in enumerate(started.challenge)
        ],
        min_frames=fewest_frames(started.challenge),
        max_frames=most_frames(started.challenge),
        expires_at=started.expires_at,
    )


def _frames_answer(taken: TakenFrames, language: Language) -> FramesAnswer:
    advice = None if taken.advice is None else advice_text(language, taken.advice)
    return FramesAnswer(accepted=taken.accepted, next=taken.next, advice=advice)
