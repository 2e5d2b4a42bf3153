"""A liveness challenge at the command line, on stand-ins for model and camera: its words, fields and status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.domain.challenge import Step
from service.domain.collection import DEFAULT_COLLECTION, RequireLiveness
from service.domain.step_pose import Doubt
from service.texts import Language, text
from service.usecases.enrollment import EnrollRequest
from service.wiring import Wiring
from tests.cli.commands import run_here
from tests.cli.face import MASTER_KEY, Outcome, call
from tests.usecases.film_camera import CHALLENGE, FilmCamera, challenge
from tests.usecases.liveness_films import PoseEngine, frames_of
from tests.usecases.stand_ins import photos

Run = Callable[..., Outcome]

OFTEN = 100
"""More than a session is looked at."""


@pytest.fixture
def camera() -> FilmCamera:
    return FilmCamera()


@pytest.fixture
def wiring(database_url: str, camera: FilmCamera) -> Wiring:
    """Kim is enrolled."""
    wiring = Wiring(AppConfig(database_url=database_url, master_key=MASTER_KEY))
    wiring.engine, wiring.capture = PoseEngine(), camera
    wiring.collections.ensure_default()
    wiring.enroll(EnrollRequest("kim", photos("kim:1"), DEFAULT_COLLECTION, LOCAL_USER))
    camera.sources.clear()
    challenge(wiring, camera)
    return wiring


@pytest.fixture
def face(wiring: Wiring, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `face` on that wiring, for somebody who reads at once."""
    monkeypatch.setenv("FACE_LANGUAGE", "en")
    monkeypatch.setattr("service.cli.people.ready", lambda lang, **_: (wiring, lang or "en"))
    monkeypatch.setattr("service.cli.face_source.TIME_TO_READ", 0.0)
    return lambda command, *arguments: run_here((command,), arguments, capfd)


def sentence(step: Step, language: Language = "en") -> str:
    return text(language, f"liveness.step.{step}")


def told(outcome: Outcome, language: Language = "en") -> list[Step]:
    """What the person was told to do, in order."""
    steps = {sentence(step, language): step for step in Step}
    return [
        steps[line.partition("  ")[2]]
        for line in outcome.err.splitlines()
        if line.partition("  ")[2] in steps
    ]


def perform(camera: FilmCamera, who: str = "kim") -> None:
    camera.shows(*(frames_of(step, who, number=8) for step in CHALLENGE))


def keep_still(camera: FilmCamera, who: str = "kim") -> None:
    camera.shows(*(frames_of(Step.LOOK_AHEAD, who, number=8) for _ in range(OFTEN)))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_person_is_told_each_step_and_verified_as_live(
    face: Run, camera: FilmCamera, language: Language
) -> None:
    perform(camera)
    outcome = face("verify", "kim", "--camera", "--liveness", "--lang", language)
    assert outcome.status == 0
    assert tuple(told(outcome, language)) == CHALLENGE
    assert text(language, "liveness.verdict.live") in outcome.out
    assert sentence(Step.LOOK_AHEAD, language) not in outcome.out


def test_answer_as_json_stands_alone_on_stdout(face: Run, camera: FilmCamera) -> None:
    perform(camera)
    outcome = face("verify", "kim", "--camera", "--liveness", "--json")
    fields: dict[str, Any] = json.loads(outcome.out)
    assert fields["match"] is True
    assert fields["liveness"] == {"verdict": "live", "reasons": []}


def test_step_that_is_not_met_is_asked_for_again(face: Run, camera: FilmCamera) -> None:
    first, *others = (frames_of(step, number=8) for step in CHALLENGE)
    camera.shows(first, frames_of(Step.LOOK_AHEAD), *others)
    outcome = face("verify", "kim", "--camera", "--liveness")
    assert outcome.status == 0
    assert told(outcome) == [CHALLENGE[0], CHALLENGE[1], *CHALLENGE[1:]]
    assert text("en", f"liveness.doubt.{Doubt.TURN_FURTHER}") in outcome.err


@pytest.mark.parametrize(("command", "purpose"), [("verify", "verify"), ("enroll", "enroll")])
def test_collection_that_requires_it_asks_for_a_challenge(
    face: Run, camera: FilmCamera, wiring: Wiring, command: str, purpose: str
) -> None:
    wiring.collections.change(
        DEFAULT_COLLECTION, {"require_liveness": RequireLiveness(purpose)}, "till"
    )
    who = "kim" if command == "verify" else "lee"
    perform(camera, who)
    outcome = face(command, who, "--camera")
    assert outcome.status == 0
    assert tuple(told(outcome)) == CHALLENGE


def test_camera_alone_takes_a_face_as_it_is(face: Run, camera: FilmCamera) -> None:
    camera.shows(["no_face", "kim:2"])
    outcome = face("verify", "kim", "--camera")
    assert (outcome.status, told(outcome), camera.used) == (0, [], 1)
    camera.shows(["lee:1"])
    assert face("enroll", "lee", "--camera").out.startswith("lee: enrolled")


def test_who_keeps_still_is_no_match_where_liveness_is_required(
    face: Run, camera: FilmCamera, wiring: Wiring
) -> None:
    wiring.collections.change(
        DEFAULT_COLLECTION, {"require_liveness": RequireLiveness.BOTH}, "till"
    )
    keep_still(camera)
    outcome = face("verify", "kim", "--camera")
    assert outcome.status == 1
    assert outcome.out.startswith("kim: no match")
    assert text("en", "liveness.verdict.inconclusive") in outcome.out
    assert f"  {text('en', f'liveness.doubt.{Doubt.TOO_FEW_FRAMES}')}" in outcome.out
    assert camera.used < OFTEN


@pytest.mark.parametrize(
    ("command", "who"), [("verify", "kim"), ("identify", "kim"), ("dedupe", "lee")]
)
def test_what_would_be_status_0_is_1_where_liveness_was_asked_for_and_not_shown(
    face: Run, camera: FilmCamera, command: str, who: str
) -> None:
    keep_still(camera, who)
    whom = ["kim"] if command == "verify" else []
    outcome = face(command, *whom, "--camera", "--liveness", "--json")
    assert outcome.status == 1
    assert json.loads(outcome.out)["liveness"]["verdict"] == "inconclusive"


def test_nobody_is_enrolled_whose_session_is_not_live(face: Run, camera: FilmCamera) -> None:
    keep_still(camera, "lee")
    outcome = face("enroll", "lee", "--camera", "--liveness")
    assert (outcome.status, outcome.out) == (1, "")
    assert "[liveness_failed]" in outcome.err
    assert f"  {text('en', f'liveness.doubt.{Doubt.TOO_FEW_FRAMES}')}" in outcome.err
    perform(camera, "lee")
    assert face("enroll", "lee", "--camera", "--liveness").status == 0


def test_where_nobody_was_seen_there_is_nothing_to_decide(face: Run, camera: FilmCamera) -> None:
    camera.shows(*[["no_face"]] * OFTEN)
    outcome = face("verify", "kim", "--camera", "--liveness")
    assert (outcome.status, outcome.out) == (1, "")
    assert "[liveness_failed]" in outcome.err
    assert text("en", "advice.no_face") in outcome.err


def test_camera_that_is_unplugged_is_no_no(face: Run) -> None:
    outcome = face("verify", "kim", "--camera", "--liveness")
    assert outcome.status == 3
    assert "[camera_unavailable]" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [(), ("--camera", "photo.png"), ("--liveness", "photo.png"), ("--liveness",)],
    ids=" ".join,
)
def test_either_photographs_or_the_camera(arguments: tuple[str, ...], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.touch()
    given = [str(photo) if each == "photo.png" else each for each in arguments]
    for command in (["verify", "kim"], ["enroll", "kim"], ["dedupe"], ["identify"]):
        assert call(*command, *given).status == 2
