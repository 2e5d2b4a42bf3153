"""`--open-tokens`: the classic kiosk on this machine, and nobody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.calls import CALLS, call
from tests.contract.collection_client import code, files, ok
from tests.contract.installation import CALL_SECONDS, Installation, Server
from tests.contract.other_users import call_as, relay_of
from tests.contract.video_file import CameraVideo

FORWARDED = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-Host": "faces.example"},
    {"X-Forwarded-Proto": "https"},
    {"Forwarded": "for=203.0.113.7"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "203.0.113.7"},
    {"X-Forwarded-For": ""},
    {"x-forwarded-for": "127.0.0.1"},
]
FOREIGN_HOSTS = [
    "faces.example",
    "under_score.example",
    "127.0.0.1.nip.example",
    "localhost.example",
    "203.0.113.7",
    "0.0.0.0",
    "",
]
MALFORMED_HOSTS = ["faces.example@127.0.0.1", "faces.example:99999999", "[::1", "a b"]
FOREIGN_ORIGINS = [
    "https://faces.example",
    "null",
    "http://[",
    "127.0.0.1",
    "",
    "http://localhost@x",
]


@pytest.fixture(scope="module")
def kiosk(
    installation: Installation, camera_video: CameraVideo, people: dict[str, list[Path]]
) -> Iterator[Server]:
    root = next(iter(people.values()))[0].parents[1]
    settings: dict[str, Any] = {"image_roots": root, "camera_index": camera_video.path}
    with installation.serving("--open-tokens", **settings) as server:
        yield server


@pytest.fixture(scope="module")
def stranger(kiosk: Server) -> Iterator[httpx.Client]:
    """Without a key."""
    with kiosk.client() as http:
        yield http


def curl(kiosk: Server, path: str, body: str) -> dict[str, Any]:
    """The call as the README prints it, but for the port."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    command = ["curl", "-sS", "-X", "POST", f"http://127.0.0.1:{kiosk.port}{path}"]
    run = subprocess.run(
        [*command, "-H", "Content-Type: application/json", "-d", body],
        capture_output=True,
        check=True,
        timeout=CALL_SECONDS,
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_documented_camera_call(
    kiosk: Server, camera_video: CameraVideo, portraits: list[Path]
) -> None:
    camera_video.write(portraits)
    answer = curl(kiosk, "/token/camera", '{"maxFrames": 5}')
    assert (answer["success"], len(answer["embedding"]), answer["error"]) == (True, 512, None)


def test_documented_directory_call(kiosk: Server, portraits: list[Path]) -> None:
    folder = portraits[0].parent
    answer = curl(kiosk, "/token/directory", f'{{"dirPath": "{folder}", "maxImages": 5}}')
    assert (answer["success"], len(answer["embedding"]), answer["error"]) == (True, 512, None)


def test_documented_camera_call_without_a_camera(kiosk: Server, camera_video: CameraVideo) -> None:
    camera_video.remove()
    assert curl(kiosk, "/token/camera", '{"maxFrames": 5}') == {
        "success": False,
        "embedding": None,
        "error": "카메라를 열 수 없습니다.",
        "code": "camera_unavailable",
        "images": [],
    }


def test_documented_camera_call_with_nobody_there(kiosk: Server, camera_video: CameraVideo) -> None:
    camera_video.write([])
    answer = curl(kiosk, "/token/camera", '{"maxFrames": 5}')
    assert (answer["success"], answer["embedding"]) == (False, None)
    assert answer["error"] == "얼굴 임베딩을 추출하지 못했습니다."
    assert (answer["code"], answer["images"][0]["reason"]) == ("no_usable_face", "no_face")


def test_failed_capture_in_english(stranger: httpx.Client, camera_video: CameraVideo) -> None:
    camera_video.remove()
    answer = ok(stranger.post("/token/camera", json={}, headers={"Accept-Language": "en"}))
    assert answer["error"] == "The camera cannot be opened."


def test_camera_call_may_be_empty(
    stranger: httpx.Client, camera_video: CameraVideo, portraits: list[Path]
) -> None:
    camera_video.write(portraits[:1])
    assert ok(stranger.post("/token/camera"))["success"] is True


def test_photographs_need_no_key(stranger: httpx.Client, portraits: list[Path]) -> None:
    assert ok(stranger.post("/token/images", files=files(portraits[:1])))["success"] is True


@pytest.mark.parametrize("name", [name for name, made in CALLS.items() if made[0] != "token"])
def test_nothing_else_is_open(kiosk: Server, name: str) -> None:
    assert code(call(kiosk, name, {})) == (401, "unauthenticated")


def refused(stranger: httpx.Client, headers: dict[str, str]) -> list[str]:
    """What kept the door shut, as the answer says it."""
    answer = stranger.post("/token/images", json={"images": [""]}, headers=headers)
    assert code(answer) == (401, "unauthenticated")
    errors = answer.json().get("errors", [])
    assert all(each["message"] == answer.json()["detail"] for each in errors)
    return [f"{each['cause']} {each['what']}" for each in errors]


@pytest.mark.parametrize("headers", FORWARDED, ids=str)
def test_forwarded_call_needs_a_key(stranger: httpx.Client, headers: dict[str, str]) -> None:
    assert refused(stranger, headers) == [f"forwarded {next(iter(headers)).lower()}"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_header_that_kept_the_door_shut_is_named(stranger: httpx.Client, language: str) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1", "Accept-Language": language}
    answer = stranger.post("/token/directory", json={"dirPath": "faces"}, headers=headers)
    assert code(answer) == (401, "unauthenticated")
    assert "x-forwarded-for" in answer.json()["detail"]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_call_under_a_foreign_host_name_needs_a_key(stranger: httpx.Client, host: str) -> None:
    assert refused(stranger, {"Host": host}) == ["foreign_name host"]


@pytest.mark.parametrize("host", MALFORMED_HOSTS)
def test_call_under_no_host_name_is_refused(stranger: httpx.Client, host: str) -> None:
    answer = stranger.post("/token/images", json={"images": [""]}, headers={"Host": host})
    assert code(answer) == (400, "invalid_request")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_page_from_elsewhere_needs_a_key(stranger: httpx.Client, origin: str) -> None:
    assert refused(stranger, {"Origin": origin}) == ["foreign_name origin"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:23535"},
        {"Host": "127.0.0.1"},
        {"Host": "[::1]:23535"},
        {"Host": "LOCALHOST"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1"},
    ],
    ids=str,
)
def test_page_of_this_machine_needs_none(stranger: httpx.Client, headers: dict[str, str]) -> None:
    assert ok(stranger.post("/token/images", json={"images": [""]}, headers=headers))


def test_wrong_key_is_refused_all_the_same(stranger: httpx.Client) -> None:
    assert refused(stranger, {"X-API-Key": "nonsense"}) == []


def test_forwarded_call_with_a_key_is_served(stranger: httpx.Client, key: str) -> None:
    headers = {"X-API-Key": key, "X-Forwarded-For": "203.0.113.7"}
    ok(stranger.post("/token/images", json={"images": [""]}, headers=headers))


def test_server_open_to_the_network_opens_no_tokens(installation: Installation) -> None:
    with installation.serving("--open-tokens", host="0.0.0.0") as server:
        with server.client() as http:
            assert refused(http, {}) == []
        assert "open_tokens" in server.log


KIOSK_USER, WEB_SERVER = 54321, 54322
NO_FACE = json.dumps({"images": [""]})

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becoming another user needs root"
)


@pytest.fixture(scope="module")
def shared(installation: Installation) -> Iterator[Server]:
    """Open to the kiosk's own user as well."""
    users = f" {KIOSK_USER} , root"
    options: dict[str, Any] = {"open_metrics": True, "open_tokens_users": users}
    with installation.serving("--open-tokens", **options) as server:
        yield server


def shut(answer: tuple[int, str]) -> list[str]:
    assert answer[0] == 401
    return [f"{each['cause']} {each['what']}" for each in json.loads(answer[1])["errors"]]


@as_root
def test_program_of_another_user_needs_a_key(kiosk: Server) -> None:
    answer = call_as(WEB_SERVER, kiosk.port, "POST", "/token/images", NO_FACE)
    assert shut(answer) == [f"other_user {WEB_SERVER}"]
    assert f"other_user {WEB_SERVER}" in kiosk.log


@as_root
def test_program_of_a_user_who_is_named_needs_none(shared: Server) -> None:
    """Both doors: the one for tokens, and the one for metrics."""
    for method, path, body in (("POST", "/token/images", NO_FACE), ("GET", "/metrics", "")):
        assert call_as(KIOSK_USER, shared.port, method, path, body)[0] == 200
        answer = call_as(WEB_SERVER, shared.port, method, path, body)
        assert shut(answer) == [f"other_user {WEB_SERVER}"]


@as_root
def test_relay_of_another_user_that_names_nobody_opens_nothing(kiosk: Server) -> None:
    """As nginx and HAProxy come: no header says that there is a proxy."""
    with relay_of(WEB_SERVER, kiosk.port) as port, httpx.Client() as stranger:
        url = f"http://127.0.0.1:{port}/token/images"
        answer = stranger.post(url, json={"images": [""]}, timeout=CALL_SECONDS)
    assert shut((answer.status_code, answer.text)) == [f"other_user {WEB_SERVER}"]


@as_root
def test_call_with_a_key_passes_whoever_makes_it(kiosk: Server, key: str) -> None:
    with relay_of(WEB_SERVER, kiosk.port) as port, kiosk.client(key) as holder:
        url = f"http://127.0.0.1:{port}/token/images"
        ok(holder.post(url, json={"images": [""]}))
