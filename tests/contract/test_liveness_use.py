"""What a liveness session is for: a face of it in place of photographs, and no other where it is required."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.collection_client import CollectionClient, code, files, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import face_of

KIM = face_of("kim")


def _sources(photo: Path) -> dict[str, Any]:
    return {
        "images": [base64.b64encode(photo.read_bytes()).decode()],
        "embedding": KIM.tolist(),
        "directory": {"dirPath": str(photo.parent)},
        "camera": {"maxFrames": 1},
    }


@pytest.mark.parametrize("name", ["images", "embedding", "directory", "camera"])
def test_no_other_source_is_taken_where_a_session_is_required(
    client: CollectionClient, portraits: list[Path], name: str
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    ok(client.put(requireLiveness="both"))
    source = {name: _sources(portraits[0])[name]}
    assert code(client.json("/verify", subjectId="kim", **source)) == (422, "liveness_required")
    for mode in ("create", "add", "replace"):
        refusal = client.json("/enroll", subjectId="kim", mode=mode, **source)
        assert code(refusal) == (422, "liveness_required")


def test_searches_take_every_source(client: CollectionClient) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    ok(client.put(requireLiveness="both"))
    assert ok(client.given("/dedupe", KIM))["duplicate"] is True
    assert ok(client.given("/identify", KIM))["match"] is True


@pytest.mark.parametrize("path", ["/verify", "/enroll", "/dedupe", "/identify"])
def test_session_that_there_is_not(client: CollectionClient, path: str) -> None:
    subject: dict[str, Any] = {"subjectId": "kim"} if path in ("/verify", "/enroll") else {}
    session = str(uuid4())
    json = client.json(path, livenessSession=session, **subject)
    fields = {"collection": client.collection, "livenessSession": session, **subject}
    form = client.http.post(path, files={name: (None, value) for name, value in fields.items()})
    assert code(json) == code(form) == (410, "liveness_expired")


def _begun(client: CollectionClient, purpose: str, subject_id: str | None = None) -> str:
    subject: dict[str, Any] = {} if subject_id is None else {"subjectId": subject_id}
    answer = ok(client.json("/liveness/sessions", purpose=purpose, **subject), 201)
    session: str = answer["sessionId"]
    return session


def _send(client: CollectionClient, session: str, step: int, photo: Path) -> dict[str, Any]:
    path = f"/liveness/sessions/{session}/frames"
    return ok(client.http.post(path, data={"step": step}, files=files([photo])))


def _unfinished(
    client: CollectionClient, photo: Path, purpose: str, subject_id: str | None = None
) -> str:
    """Somebody was seen to look ahead, and no more."""
    session = _begun(client, purpose, subject_id)
    assert _send(client, session, 0, photo)["accepted"] is True
    return session


def _repeated(
    client: CollectionClient, photo: Path, purpose: str, subject_id: str | None = None
) -> str:
    """The same picture was shown twice."""
    session = _unfinished(client, photo, purpose, subject_id)
    assert _send(client, session, 1, photo)["accepted"] is False
    return session


@pytest.fixture
def frontal(people: dict[str, list[Path]]) -> Path:
    """Somebody who looks ahead."""
    return people["raj"][0]


@pytest.fixture
def raj(client: CollectionClient, frontal: Path) -> CollectionClient:
    """Where Raj is enrolled."""
    ok(client.enroll("raj", frontal), 201)
    return client


NOT_LIVE = {
    "inconclusive": (_unfinished, "recapture", "too_few_frames"),
    "attack_suspected": (_repeated, "deny", "repeated"),
}


@pytest.mark.parametrize("verdict", NOT_LIVE)
@pytest.mark.parametrize("required", ["none", "enroll", "verify", "both"])
def test_verification_tells_the_verdict_and_goes_by_it_where_it_is_required(
    raj: CollectionClient, frontal: Path, required: str, verdict: str
) -> None:
    session_of, recommendation, reason = NOT_LIVE[verdict]
    ok(raj.put(requireLiveness=required))
    session = session_of(raj, frontal, "verify", "raj")
    answer = ok(raj.json("/verify", subjectId="raj", livenessSession=session))
    assert answer["liveness"]["verdict"] == verdict
    assert reason in [each["code"] for each in answer["liveness"]["reasons"]]
    assert answer["similarity"] >= answer["threshold"]
    goes_by_it = required in ("verify", "both")
    told = (answer["match"], answer["recommendation"])
    assert told == ((False, recommendation) if goes_by_it else (True, "allow"))
    again = raj.json("/verify", subjectId="raj", livenessSession=session)
    assert code(again) == (409, "liveness_used")


@pytest.mark.parametrize("verdict", NOT_LIVE)
@pytest.mark.parametrize("mode", ["create", "add", "replace"])
def test_nobody_is_enrolled_by_a_session_that_is_not_live(
    raj: CollectionClient, frontal: Path, mode: str, verdict: str
) -> None:
    subject_id = "new" if mode == "create" else "raj"
    session = NOT_LIVE[verdict][0](raj, frontal, "enroll", subject_id)
    fields = {"collection": raj.collection, "subjectId": subject_id, "mode": mode}
    form = {**fields, "livenessSession": session, "onDuplicate": "allow"}
    refusal = raj.http.post("/enroll", files={name: (None, text) for name, text in form.items()})
    assert code(refusal) == (422, "liveness_failed")
    liveness = refusal.json()["liveness"]
    assert (liveness["verdict"], bool(liveness["reasons"])) == (verdict, True)
    assert ok(raj.subjects())["subjects"][0]["subjectId"] == "raj"
    again = raj.http.post("/enroll", files={name: (None, text) for name, text in form.items()})
    assert code(again) == (409, "liveness_used")


@pytest.mark.parametrize("path", ["/dedupe", "/identify"])
def test_search_tells_the_verdict(raj: CollectionClient, frontal: Path, path: str) -> None:
    session = _unfinished(raj, frontal, "search")
    answer = ok(raj.json(path, livenessSession=session))
    assert answer["liveness"]["verdict"] == "inconclusive"
    assert [one["subjectId"] for one in answer["candidates"]] == ["raj"]
    assert len(answer["images"]) == 1


def test_reasons_are_in_the_callers_language(raj: CollectionClient, frontal: Path) -> None:
    def reasons(language: str) -> list[str]:
        session = _unfinished(raj, frontal, "verify", "raj")
        headers = {"Accept-Language": language}
        answer = ok(raj.json("/verify", headers, subjectId="raj", livenessSession=session))
        return [each["message"] for each in answer["liveness"]["reasons"]]

    korean, english = reasons("ko"), reasons("en")
    assert korean
    assert english
    assert not any(each.isascii() for each in korean)
    assert all(each.isascii() for each in english)


def test_session_of_something_else_is_refused_and_not_used(
    raj: CollectionClient, frontal: Path
) -> None:
    session = _unfinished(raj, frontal, "verify", "raj")
    for refusal in (
        raj.json("/verify", subjectId="amy", livenessSession=session),
        raj.json("/enroll", subjectId="raj", mode="add", livenessSession=session),
        raj.json("/identify", livenessSession=session),
    ):
        assert code(refusal) == (422, "liveness_failed")
        assert "liveness" not in refusal.json()
    ok(raj.json("/verify", subjectId="raj", livenessSession=session))


def test_session_of_another_key_is_none(
    raj: CollectionClient, frontal: Path, server: Server, installation: Installation
) -> None:
    session = _unfinished(raj, frontal, "verify", "raj")
    with server.client(installation.key()) as http:
        other = CollectionClient(http, raj.collection)
        refusal = other.json("/verify", subjectId="raj", livenessSession=session)
        assert code(refusal) == (410, "liveness_expired")
    ok(raj.json("/verify", subjectId="raj", livenessSession=session))


def test_other_sources_have_no_verdict(raj: CollectionClient, frontal: Path) -> None:
    assert ok(raj.verify("raj", frontal))["liveness"] is None
    assert ok(raj.identify(frontal))["liveness"] is None
