"""The OpenAPI document holds against the running service: schemathesis calls it as written, and not.

No 500; every answer has a documented status, type and shape; what the document allows is not
called malformed, and what it does not allow is refused.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import ok
from tests.contract.installation import Installation, Server
from tests.contract.video_file import CameraVideo
from tests.domain.vectors import face_of
from tests.postgres import TestServer

MOST_SECONDS = 30

pytestmark = pytest.mark.slow
HOOKS = """
import re, schemathesis

SOURCES = ("images", "embedding", "camera", "directory", "livenessSession")

@schemathesis.hook
def before_call(context, case, kwargs):
    if not isinstance(case.body, dict):
        return
    moment = case.body.get("expiresAt")
    if isinstance(moment, str) and re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}T", moment):
        case.body["expiresAt"] = "2096" + moment[4:]
    # One of the phases passes over `if` and `then`, by which a document says that there is one source.
    if case.meta is not None and case.meta.generation.mode.is_positive:
        for another in [name for name in SOURCES if name in case.body][1:]:
            del case.body[another]
"""
SETTINGS = """
seed = 1
hooks = "hooks.py"
max-time = {seconds}
continue-on-failure = true
suppress-health-check = ["all"]
color = false

[generation]
max-examples = {examples}
no-shrink = true
codec = "ascii"

[auth.openapi.HTTPBearer]
bearer = "{key}"

[auth.openapi.APIKeyHeader]
api_key = "{key}"

[phases.stateful]
enabled = false

# A photograph of noise shows no face, noise is no embedding, and there is no such session: 415, 422
# and 410 are no malformed requests. 400 is one, and so is 413 for a number of photographs that the document gives.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "415", "422", "429"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "410", "413", "415", "422", "429"]

# Of two parameters that need each other OpenAPI knows nothing, nor of a time that must be to come:
# the hooks move that.
[[operations]]
include-name = ["GET /admin/audit"]
checks.positive_data_acceptance.enabled = false

# Which step comes next is the session's to say.
[[operations]]
include-name = ["POST /liveness/sessions/{{sessionId}}/frames"]
checks.positive_data_acceptance.enabled = false
"""


@pytest.fixture
def service(
    postgres_server: TestServer, migrated_template: str, model_root: Path, tmp_path: Path
) -> Iterator[tuple[Installation, Server]]:
    """A service of its own: everything in it will be deleted."""
    url = postgres_server.create(migrated_template)
    video = CameraVideo(tmp_path / "camera.avi")
    video.write([])
    installation = Installation(tmp_path, model_root, url)
    with installation.serving(
        camera_index=video.path, max_image_bytes=100_000, max_images_per_request=3
    ) as server:
        yield installation, server
    postgres_server.drop(url)


def test_service_keeps_to_its_openapi_document(
    service: tuple[Installation, Server], tmp_path: Path
) -> None:
    installation, server = service
    key = installation.key(*Scope)
    with server.client(key) as http:
        body = {"subjectId": "user-1", "embedding": face_of("user-1").tolist()}
        ok(http.post("/enroll", json=body), 201)
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS.format(seconds=MOST_SECONDS, examples=4, key=key))
    (tmp_path / "hooks.py").write_text(HOOKS)
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=5 * MOST_SECONDS,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    assert "Tested: " in run.stdout
    assert not [line for line in server.access() if line["status"] == 500]
