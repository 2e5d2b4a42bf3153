"""Whatever is sent, there is an answer: never a 500, never a traceback, always a problem document."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.collection_client import code
from tests.contract.tables import Tables
from tests.contract.video_file import CameraVideo

fuzzing = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

FIELDS = [
    "subjectId",
    "collection",
    "profile",
    "mode",
    "onDuplicate",
    "metadata",
    "limit",
    "images",
    "embedding",
    "camera",
    "directory",
    "livenessSession",
    "maxFrames",
    "dirPath",
    "maxImages",
]
PATHS = ["/enroll", "/verify", "/dedupe", "/identify", "/token/images", "/token/directory"]
REFUSALS = {400, 403, 404, 409, 410, 413, 415, 422, 503}

names = st.sampled_from(FIELDS)
texts = st.text(max_size=20) | st.sampled_from(["kim", "default", "balanced", "create", "reject"])
encoded = st.binary(max_size=40).map(lambda content: base64.b64encode(content).decode())
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | encoded
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(names, values, max_size=6)


@pytest.fixture(autouse=True)
def _nothing_is_stored(tables: Tables) -> Iterator[None]:
    before = tables.counts()
    yield
    assert tables.counts() == before


@pytest.fixture(autouse=True)
def _no_camera(camera_video: CameraVideo) -> None:
    """It would be looked through for every example."""
    camera_video.remove()


def refused(answer: httpx.Response) -> None:
    """Or a token call whose photographs have no face."""
    if answer.status_code == 200:
        assert answer.json()["success"] is False
    else:
        assert code(answer)[0] in REFUSALS


@pytest.mark.parametrize("path", PATHS)
@fuzzing
@given(body=bodies)
def test_any_json(http: httpx.Client, path: str, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    refused(http.post(path, content=content, headers={"Content-Type": "application/json"}))


@fuzzing
@given(content=st.binary(max_size=200) | st.text().map(str.encode))
@example(content=b"\xef\xbb\xbf{}")
def test_any_bytes_as_json(http: httpx.Client, content: bytes) -> None:
    refused(http.post("/enroll", content=content, headers={"Content-Type": "application/json"}))


HEADERS = [b"Content-Disposition: form-data", b'name="images"', b'filename="1.jpg"', b"X: y"]
pieces = st.sampled_from([b"--B", b"--B--", b"\r\n", b"\r\n\r\n", b"; ", *HEADERS])


@fuzzing
@given(parts=st.lists(pieces | st.binary(max_size=8), max_size=30))
def test_any_bytes_as_a_form(http: httpx.Client, parts: list[bytes]) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    refused(http.post("/verify", content=b"".join(parts), headers=kind))


@fuzzing
@given(metadata=st.text(alphabet='{}[]":,0aeN\\u', max_size=60))
def test_any_metadata(http: httpx.Client, metadata: str) -> None:
    fields = {"subjectId": "kim", "metadata": metadata}
    refused(http.post("/enroll", data=fields, files={"images": ("1.png", b"")}))


@fuzzing
@given(query=st.dictionaries(st.sampled_from(["collection", "limit", "cursor"]), st.text()))
def test_any_query(http: httpx.Client, query: dict[str, str]) -> None:
    answer = http.get("/admin/subjects", params=query)
    assert answer.status_code == 200 or code(answer)[0] in REFUSALS
