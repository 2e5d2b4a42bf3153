"""A liveness session by the camera of the server, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.video_file import CameraVideo
from tests.liveness.portrait import FRONTAL


@pytest.fixture
def session(client: CollectionClient) -> str:
    """The path of one that is to search."""
    asked = {"purpose": "search", "collection": client.collection}
    started = ok(client.http.post("/liveness/sessions", json=asked), 201)
    return f"/liveness/sessions/{started['sessionId']}/frames"


def test_camera_of_the_server_takes_the_frames_of_a_step(
    client: CollectionClient,
    session: str,
    camera_video: CameraVideo,
    people: dict[str, list[Path]],
) -> None:
    camera_video.write([people["amy"][FRONTAL["amy"] - 1]])
    answer = ok(client.http.post(session, json={"step": 0, "camera": {}}))
    assert answer == {"accepted": True, "next": 1, "advice": None}


def test_nobody_before_the_camera_is_advised(
    client: CollectionClient, session: str, camera_video: CameraVideo
) -> None:
    camera_video.write([])
    answer = ok(client.http.post(session, json={"step": 0, "camera": {}}))
    assert (answer["accepted"], answer["next"]) == (False, 0)
    assert answer["advice"]


def test_camera_that_is_not_there(
    client: CollectionClient, session: str, camera_video: CameraVideo
) -> None:
    camera_video.remove()
    refused = client.http.post(session, json={"step": 0, "camera": {}})
    assert code(refused) == (503, "camera_unavailable")


def test_camera_needs_a_session(client: CollectionClient) -> None:
    path = f"/liveness/sessions/{uuid4()}/frames"
    assert code(client.http.post(path, json={"step": 0, "camera": {}})) == (410, "liveness_expired")


def problems(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    return {each["field"]: each["problem"] for each in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, {"": "one_source"}),
        ({"camera": {}, "images": [""]}, {"": "one_source"}),
        ({"camera": {"maxFrames": 100}}, {"camera.maxFrames": "unknown"}),
        ({"camera": []}, {"camera": "not_object"}),
    ],
)
def test_body_names_either_frames_or_the_camera(
    client: CollectionClient, session: str, fields: dict[str, Any], problem: dict[str, str]
) -> None:
    assert problems(client.http.post(session, json={"step": 0, **fields})) == problem


def test_form_brings_frames(client: CollectionClient, session: str) -> None:
    answer = client.http.post(session, files={"step": (None, "0"), "camera": (None, "{}")})
    assert problems(answer) == {"images": "too_short", "camera": "not_object"}
