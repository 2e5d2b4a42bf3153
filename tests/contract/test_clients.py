"""The clients in clients/: each goes through one scenario against a live server, in its own language."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.certificates import Authority
from tests.contract.client_operations import require_all
from tests.contract.client_programs import CLIENTS, PYTHON_PATH, Programs, programs
from tests.contract.collection_client import CollectionClient
from tests.contract.front import Front, opened
from tests.contract.installation import Server
from tests.contract.video_file import CameraVideo
from tests.liveness.portrait import FRONTAL
from tests.ports import free_port

SECONDS = 120


@dataclass(frozen=True)
class Report:
    """`said`: what came of the scenario, by name. `printed`: all of the program's output."""

    said: Mapping[str, Any]
    printed: str
    busy: Front
    elsewhere: Front
    untrusted: Front


@pytest.fixture(scope="module", params=CLIENTS)
def client_programs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Programs:
    return programs(request.param, tmp_path_factory.mktemp(request.param))


def _run(command: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PYTHON_PATH), **settings}
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def report(
    client_programs: Programs,
    tmp_path_factory: pytest.TempPathFactory,
    server: Server,
    key: str,
    camera_video: CameraVideo,
    people: dict[str, list[Path]],
) -> Iterator[Report]:
    camera_video.write(people["amy"][:1])
    frontal = people["amy"][FRONTAL["amy"] - 1]
    photos = [frontal, people["amy"][0], people["sheldon"][0]]
    with (
        opened(Front(server.url, refusals=[503, 429])) as busy,
        opened(Front()) as elsewhere,
        opened(Front(elsewhere=elsewhere.url.replace("127.0.0.1", "localhost"))) as moved,
        opened(
            Front(server.url), _unknown_certificate(tmp_path_factory.mktemp("tls"))
        ) as untrusted,
    ):
        done = _run(
            client_programs.scenario,
            FACE_URL=server.url,
            FACE_KEY=key,
            FACE_COLLECTION=f"c-{uuid4().hex}",
            FACE_BUSY_URL=busy.url,
            FACE_MOVED_URL=moved.url,
            FACE_UNTRUSTED_URL=untrusted.url,
            FACE_CLOSED_URL=f"http://127.0.0.1:{free_port()}",
            FACE_PHOTOS=os.pathsep.join(map(str, photos)),
        )
        yield Report(json.loads(done.stdout), done.stdout + done.stderr, busy, elsewhere, untrusted)


def _unknown_certificate(folder: Path) -> ssl.SSLContext:
    pair = Authority(folder).pair("service")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def test_every_operation_is_a_method(report: Report, http: httpx.Client) -> None:
    require_all(http.get("/openapi.json").json(), report.said["methods"])


def test_person_is_enrolled_and_verified(report: Report) -> None:
    assert report.said["enrolled"] == "kim"
    assert report.said["match"] is True
    assert report.said["identified"] is True


def test_stranger_is_no_match(report: Report) -> None:
    assert report.said["stranger"] == [False, "deny"]


def test_person_is_found_under_another_name(report: Report) -> None:
    assert report.said["duplicate"] == [True, "kim"]
    assert report.said["second enrollment"] == "409 duplicate_subject"


def test_busy_service_is_asked_again_under_one_idempotency_key(report: Report) -> None:
    keys = [headers.get("idempotency-key") for headers in report.busy.seen]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0]


def test_photographs_and_camera_make_tokens(report: Report) -> None:
    assert report.said["numbers"] == 512
    assert report.said["camera"] == 512
    assert report.said["usable"] is True


def test_liveness_session_is_gone_into(report: Report) -> None:
    assert report.said["challenge"] == "look_ahead"
    assert report.said["frames"] is True


def test_people_and_collections_are_administered(report: Report) -> None:
    assert report.said["subjects"] == ["kim"]
    assert report.said["metadata"] == {"door": "north"}
    assert report.said["templates"] == 1
    assert report.said["retention"] == 30


def test_duplicate_is_decided(report: Report) -> None:
    assert report.said["flagged"] == ["lee", "kim"]
    assert report.said["decision"] == "same_person"


def test_person_gets_another_id_and_is_merged(report: Report) -> None:
    assert report.said["renamed"] == "lee-2"
    assert report.said["merged"] == "kim"
    assert report.said["gone"] == "404 subject_not_found"
    assert report.said["locked"] is None


def test_key_is_made_and_revoked(report: Report) -> None:
    assert report.said["match by new key"] is True
    assert report.said["revoked"] is True
    assert report.said["revoked key"] == "401 unauthenticated"


def test_deleted_person_is_not_found(report: Report) -> None:
    assert report.said["deleted"] == 1
    assert report.said["after deletion"] == "404 subject_not_found"


def test_failures_are_told_apart(report: Report) -> None:
    assert report.said["wrong key"] == "401 unauthenticated"
    assert report.said["redirect"] == "unexpected answer"
    assert report.said["no service"] == "unreachable"
    assert report.said["unknown certificate"] == "unreachable"


def test_key_is_sent_to_no_other_host(report: Report) -> None:
    assert report.elsewhere.seen == []
    assert report.untrusted.seen == []


def test_key_is_not_shown(report: Report, key: str) -> None:
    assert report.said["client"]
    assert key not in report.printed


def test_example_enrolls_and_verifies(
    client_programs: Programs,
    server: Server,
    key: str,
    client: CollectionClient,
    people: dict[str, list[Path]],
) -> None:
    photos = [str(photo) for photo in people["penny"][:2]]
    said = [
        _run(
            [*client_programs.example, client.collection, subject_id, *photos],
            FACE_URL=server.url,
            FACE_KEY=key,
        ).stdout
        for subject_id in ("user-1", "user-2")
    ]
    assert said[0] == "match allow\n"
    assert said[1].startswith("enrolled already: ")
    assert "user-1" in said[1]


def test_readme_shows_the_example(client_programs: Programs) -> None:
    readme = client_programs.source.parents[1] / "README.md"
    assert client_programs.source.read_text("utf-8") in readme.read_text("utf-8")
