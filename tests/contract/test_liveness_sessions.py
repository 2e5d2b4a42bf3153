"""A liveness session proves one decision: to one key, for one purpose, of one person, within 90 seconds."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx
import numpy as np
import pytest

from service.domain.challenge import TURNS, Step
from service.domain.liveness_session import (
    DETECTION,
    EMBEDDING,
    MOST_COST,
    MOST_FAILED_OF_SUBJECT,
    MOST_OPEN,
)
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.contract.kiosk import Kiosk, Session
from tests.contract.scrape import scrape
from tests.contract.tables import Tables
from tests.liveness.head import RenderedHead
from tests.liveness.portrait import PortrayedPerson
from tests.liveness.scene import Scene
from tests.liveness.session import Presenter, goals

SIMULTANEOUS = 60


@pytest.fixture
def kiosk(client: CollectionClient, portrayed: dict[str, PortrayedPerson]) -> Kiosk:
    """Where kim is enrolled, and is verified by nothing but a session."""
    ok(client.enroll("kim", portrayed["sheldon"].enrolled), 201)
    ok(client.put(requireLiveness="verify"))
    return Kiosk(client)


@pytest.fixture
def kim(portrayed: dict[str, PortrayedPerson]) -> Presenter:
    """Before the camera, another time each test."""
    random = np.random.default_rng()
    head = RenderedHead(portrayed["sheldon"].frontal, Scene(int(random.integers(2**31))))
    return Presenter(head, goals(), random)


def verify(kiosk: Kiosk, session_id: str, subject_id: str = "kim") -> httpx.Response:
    return kiosk.client.json("/verify", subjectId=subject_id, livenessSession=session_id)


def test_challenge_is_begun_and_ended_by_looking_ahead(kiosk: Kiosk) -> None:
    answer = kiosk.session().answer
    steps = [each["do"] for each in answer["challenge"]]
    assert steps[0] == steps[-1] == "look_ahead"
    assert 3 <= len(steps[1:-1]) <= 4
    assert [each["step"] for each in answer["challenge"]] == list(range(len(steps)))
    assert 0 < answer["minFrames"] <= answer["maxFrames"]


def test_session_is_used_once(kiosk: Kiosk, kim: Presenter) -> None:
    session = kiosk.proven(kim)
    assert ok(verify(kiosk, session))["liveness"]["verdict"] != "attack_suspected"
    assert code(verify(kiosk, session)) == (409, "liveness_used")


def test_of_sixty_simultaneous_uses_one_counts(kiosk: Kiosk, kim: Presenter) -> None:
    session = kiosk.proven(kim)
    with ThreadPoolExecutor(SIMULTANEOUS) as threads:
        answers = list(threads.map(lambda _: verify(kiosk, session), range(SIMULTANEOUS)))
    found = Counter(one.status_code for one in answers)
    assert found[200] == 1
    assert found.keys() <= {200, 409, 503}
    assert {code(one) for one in answers if one.status_code == 409} == {(409, "liveness_used")}


def test_expired_session_proves_nothing(kiosk: Kiosk, kim: Presenter, tables: Tables) -> None:
    session = kiosk.proven(kim)
    expire(tables, session)
    assert code(verify(kiosk, session)) == (410, "liveness_expired")


def test_expired_session_takes_no_frames(kiosk: Kiosk, kim: Presenter, tables: Tables) -> None:
    session = kiosk.session()
    expire(tables, session.id)
    sent = kiosk.send(session, 0, kim.frames(session.challenge[0]))
    assert code(sent) == (410, "liveness_expired")


def expire(tables: Tables, session_id: str) -> None:
    past = "UPDATE liveness_sessions SET expires_at = created_at WHERE session_id = :id"
    tables.change(past, id=session_id)


def test_other_key_has_no_such_session(
    installation: Installation, server: Server, kiosk: Kiosk, kim: Presenter
) -> None:
    session = kiosk.session()
    with server.client(installation.key()) as http:
        other = Kiosk(CollectionClient(http, kiosk.client.collection))
        frames = kim.frames(session.challenge[0])
        assert code(other.send(session, 0, frames)) == (410, "liveness_expired")
        assert ok(kiosk.send(session, 0, frames))["accepted"]
        assert code(verify(other, session.id)) == (410, "liveness_expired")


@pytest.mark.parametrize("purpose", ["enroll", "search"])
def test_session_of_another_purpose_proves_nothing(
    kiosk: Kiosk, kim: Presenter, purpose: str
) -> None:
    session = kiosk.session(purpose, None if purpose == "search" else "kim")
    ahead(kiosk, session, kim)
    assert code(verify(kiosk, session.id)) == (422, "liveness_failed")


def test_session_about_somebody_else_proves_nothing_and_stays_open(
    kiosk: Kiosk, kim: Presenter, portrayed: dict[str, PortrayedPerson]
) -> None:
    ok(kiosk.client.put())
    ok(kiosk.client.enroll("lee", portrayed["penny"].enrolled), 201)
    session = kiosk.session()
    ahead(kiosk, session, kim)
    assert code(verify(kiosk, session.id, "lee")) == (422, "liveness_failed")
    assert ok(verify(kiosk, session.id))["liveness"]["verdict"] == "inconclusive"


def ahead(kiosk: Kiosk, session: Session, presenter: Presenter) -> None:
    """The first step, which is what is compared."""
    for _ in range(3):
        if ok(kiosk.send(session, 0, presenter.frames(session.challenge[0])))["accepted"]:
            return
        presenter.look_ahead()
    raise AssertionError(session)


def test_steps_are_taken_in_order(kiosk: Kiosk, kim: Presenter) -> None:
    session = kiosk.session()
    early = kiosk.send(session, 1, kim.frames(session.challenge[1]))
    assert code(early) == (400, "invalid_request")
    kim.look_ahead()
    ahead(kiosk, session, kim)
    again = kiosk.send(session, 0, kim.frames(session.challenge[0]))
    assert code(again) == (400, "invalid_request")


def test_session_without_frames_proves_nothing(kiosk: Kiosk) -> None:
    assert code(verify(kiosk, kiosk.session().id)) == (422, "liveness_failed")


def test_session_that_was_not_gone_through_is_no_match(kiosk: Kiosk, kim: Presenter) -> None:
    session = kiosk.session()
    ahead(kiosk, session, kim)
    answer = ok(verify(kiosk, session.id))
    assert (answer["match"], answer["liveness"]["verdict"]) == (False, "inconclusive")
    assert "too_few_frames" in [each["code"] for each in answer["liveness"]["reasons"]]


def test_frames_that_do_not_differ_show_no_turn(kiosk: Kiosk, kim: Presenter) -> None:
    begun = (kiosk.session("search", None) for _ in range(MOST_OPEN))
    session = next(each for each in begun if each.challenge[1] in TURNS)
    ahead(kiosk, session, kim)
    turned = kim.frames(session.challenge[1])[-1]
    answer = ok(kiosk.send(session, 1, [turned] * 6))
    assert not answer["accepted"]
    assert answer["next"] == 1


def test_frames_of_an_earlier_session_are_an_attack(kiosk: Kiosk, kim: Presenter) -> None:
    first = kiosk.session()
    frames = kim.frames(first.challenge[0])
    ok(kiosk.send(first, 0, frames))
    second = kiosk.session()
    assert ok(kiosk.send(second, 0, frames))["accepted"]
    answer = ok(verify(kiosk, second.id))
    assert (answer["match"], answer["liveness"]["verdict"]) == (False, "attack_suspected")
    assert "repeated" in [each["code"] for each in answer["liveness"]["reasons"]]


def test_any_server_takes_the_next_call(
    installation: Installation, kiosk: Kiosk, kim: Presenter, key: str
) -> None:
    with (
        installation.serving(data_dir=installation.folder / "beside") as beside,
        beside.client(key) as http,
    ):
        other = Kiosk(CollectionClient(http, kiosk.client.collection))
        session = kiosk.session()
        for number, one in zip(range(len(session.challenge)), cycle((other, kiosk)), strict=False):
            if not one.perform_step(session, number, kim):
                break
        used = [verify(one, session.id) for one in (kiosk, other)]
    ok(used[0])
    assert code(used[1]) == (409, "liveness_used")


def test_subject_that_is_tried_too_often_has_to_wait(kiosk: Kiosk) -> None:
    """A session that is left for the next one has failed as well."""
    for _ in range(MOST_FAILED_OF_SUBJECT + 1):
        ok(kiosk.begin(), 201)
    refused = kiosk.begin()
    assert code(refused) == (429, "subject_locked")
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    ok(kiosk.begin(subject_id="lee"), 201)


def test_flood_of_sessions_is_stopped(
    installation: Installation, server: Server, client: CollectionClient
) -> None:
    with server.client(installation.key()) as http:
        kiosk = Kiosk(CollectionClient(http, client.collection))
        begun = [kiosk.begin("search", None) for _ in range(MOST_OPEN + 1)]
    assert [one.status_code for one in begun[:-1]] == [201] * MOST_OPEN
    assert code(begun[-1]) == (429, "rate_limited")
    assert 0 < int(begun[-1].headers["Retry-After"]) <= 90


def test_session_costs_at_most_twelve_photographs(kiosk: Kiosk, kim: Presenter) -> None:
    """Whoever never does what is asked for is looked at until that is spent."""
    before, session = inferences(kiosk), kiosk.session()
    ahead(kiosk, session, kim)
    while (sent := kiosk.send(session, 1, kim.frames(Step.LOOK_AHEAD))).status_code == 200:
        assert not ok(sent)["accepted"]
    assert code(sent) == (422, "liveness_failed")
    looked, embedded = (after - before[stage] for stage, after in inferences(kiosk).items())
    assert looked > 2
    assert DETECTION * looked + EMBEDDING * embedded <= MOST_COST
    assert MOST_COST == 12 * (DETECTION + EMBEDDING)


def inferences(kiosk: Kiosk) -> dict[str, float]:
    found = scrape(kiosk.client.http)
    return {
        stage: found.sum_of("face_stage_seconds_count", stage=stage)
        for stage in ("detect", "embed")
    }
