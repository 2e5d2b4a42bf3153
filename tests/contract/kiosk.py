"""A kiosk goes through a liveness session: it sends frames of a step, and does what it is advised until it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.domain.challenge import Step
from service.domain.step_pose import Doubt
from service.texts import Language, text
from tests.contract.collection_client import CollectionClient, code, files, ok
from tests.liveness.session import Presenter

SESSIONS = 5
"""That somebody begins who is not seen to be live."""

TRIES = 3
"""Of a step, after which nobody goes on."""

LANGUAGE: Language = "en"

SMALLER = 0.93
"""What somebody does with a movement in which their face was not seen."""

EFFORT = {
    Doubt.TURN_FURTHER: 1.2,
    Doubt.TILT_FURTHER: 1.2,
    Doubt.CLOSER: 1.15,
    Doubt.FLAT: 1.1,
    Doubt.TURN_LESS: 0.85,
    Doubt.TILT_LESS: 0.85,
}
"""What somebody does with a movement who is told so."""

GOES_ON = {Doubt.TURN_FURTHER, Doubt.TILT_FURTHER, Doubt.CLOSER}
"""Whoever is told anything else looks ahead again first."""

DOUBTS = {text(LANGUAGE, f"liveness.doubt.{doubt}"): doubt for doubt in Doubt}


@dataclass(frozen=True)
class Session:
    """As it was begun. `advice`: what was said on the way, in order."""

    id: str
    challenge: Sequence[Step]
    answer: dict[str, Any]
    advice: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kiosk:
    """In one collection, with one key, at one server."""

    client: CollectionClient

    def begin(self, purpose: str = "verify", subject_id: str | None = "kim") -> httpx.Response:
        subject: dict[str, Any] = {} if subject_id is None else {"subjectId": subject_id}
        return self.client.json("/liveness/sessions", purpose=purpose, **subject)

    def session(self, purpose: str = "verify", subject_id: str | None = "kim") -> Session:
        answer = ok(self.begin(purpose, subject_id), 201)
        challenge = [Step(each["do"]) for each in answer["challenge"]]
        return Session(answer["sessionId"], challenge, answer)

    def send(self, session: Session, step: int, frames: Sequence[bytes]) -> httpx.Response:
        path = f"/liveness/sessions/{session.id}/frames"
        return self.client.http.post(
            path,
            data={"step": str(step)},
            files=files(frames),
            headers={"Accept-Language": LANGUAGE},
        )

    def proven(
        self, presenter: Presenter, purpose: str = "verify", subject: str | None = "kim"
    ) -> str:
        """The id of a session in which all steps were met."""
        for _ in range(SESSIONS):
            session = self.session(purpose, subject)
            if self.perform(session, presenter):
                return session.id
        raise AssertionError(session.advice)

    def perform(self, session: Session, presenter: Presenter) -> bool:
        """Whether all steps were met."""
        return all(
            self.perform_step(session, number, presenter)
            for number in range(len(session.challenge))
        )

    def perform_step(self, session: Session, number: int, presenter: Presenter) -> bool:
        effort = 1.0
        for _ in range(TRIES):
            frames = presenter.frames(session.challenge[number], effort)
            response = self.send(session, number, frames)
            if response.status_code == 422:
                assert code(response) == (422, "liveness_failed")
                return False
            answer = ok(response)
            if answer["accepted"]:
                return True
            session.advice.append(answer["advice"])
            doubt = DOUBTS.get(answer["advice"])
            effort *= SMALLER if doubt is None else EFFORT.get(doubt, 1.0)
            if doubt not in GOES_ON:
                presenter.look_ahead()
        return False
