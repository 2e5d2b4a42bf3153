"""What a liveness session is for: a face of it in place of photographs, and no other where it is required."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
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
