"""The pages for people, who elsewhere may call, and a proxy's prefix."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import httpx
import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.pages import POLICY
from service.api.settings import ApiSettings
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases
from tests.api.in_process import NO_RATE_LIMITS
from tests.api.installed import SETTINGS

ELSEWHERE = "https://door.example"
WITH_PAGES = replace(SETTINGS, pages=True)


def _client(settings: ApiSettings, root_path: str = "") -> httpx.Client:
    app = create_app(cast("UseCases", None), settings, NO_RATE_LIMITS, Metrics(), bytes)
    client: httpx.Client = TestClient(app, follow_redirects=False, root_path=root_path)
    return client


def test_without_pages_the_root_leads_to_the_documentation() -> None:
    http = _client(SETTINGS)
    assert http.get("/").headers["Location"] == "docs"
    for path in ("/kiosk", "/console", "/pages/common/api.js"):
        assert http.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/kiosk", "/console"])
def test_pages_run_scripts_from_here_alone(path: str) -> None:
    http = _client(WITH_PAGES)
    answer = http.get(path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "script-src 'self';" in POLICY


def test_only_the_kiosk_may_ask_for_a_camera() -> None:
    http = _client(WITH_PAGES)
    policies = {path: http.get(path).headers["Permissions-Policy"] for path in ("/kiosk", "/")}
    assert "camera=(self)" in policies["/kiosk"]
    assert "camera=()" in policies["/"]


def test_scripts_are_scripts_and_asked_about_each_time() -> None:
    http = _client(WITH_PAGES)
    answer = http.get("/pages/common/api.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = http.get("/pages/common/api.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("pieces", ["9-1", "999999-", "0-0,9-9"])
def test_a_page_is_sent_whole_whatever_pieces_are_asked_for(pieces: str) -> None:
    http = _client(WITH_PAGES)
    answer = http.get("/kiosk", headers={"Range": f"bytes={pieces}"})
    assert answer.status_code == 200
    assert answer.content == http.get("/kiosk").content


@pytest.mark.parametrize(
    "path",
    ["..%2Fapi%2Fapp.py", "%2Fetc%2Fpasswd", "common", "", "%00", "common/..%2F..%2Fconfig.py"],
)
def test_no_other_file_is_served(path: str) -> None:
    http = _client(WITH_PAGES)
    assert http.get(f"/pages/{path}").status_code == 404


def test_slash_behind_a_page_leads_to_it_without() -> None:
    http = _client(WITH_PAGES)
    assert http.get("/kiosk/").headers["Location"] == "../kiosk"
    assert http.post("/pages/common/api.js").status_code == 405


def _preflight(http: httpx.Client, origin: str) -> httpx.Headers:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    return http.options("/verify", headers=asked).headers


def test_named_origin_may_call_with_a_key_and_read_the_answer() -> None:
    http = _client(replace(SETTINGS, cors_origins=(ELSEWHERE,)))
    allowed = _preflight(http, ELSEWHERE)
    refused = http.post("/verify", headers={"Origin": ELSEWHERE})
    assert allowed["Access-Control-Allow-Origin"] == ELSEWHERE
    assert "Access-Control-Allow-Credentials" not in allowed
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert refused.headers["Access-Control-Expose-Headers"] == "X-Request-Id, Retry-After"


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_other_origins_may_not(origin: str) -> None:
    http = _client(replace(SETTINGS, cors_origins=(ELSEWHERE,)))
    assert "Access-Control-Allow-Origin" not in _preflight(http, origin)
    assert (
        "Access-Control-Allow-Origin"
        not in http.get("/healthz", headers={"Origin": origin}).headers
    )


def test_prefix_of_a_proxy_is_in_the_description_and_nothing_else_knows_it() -> None:
    """As uvicorn tells it: the path with the prefix, beside the prefix."""
    http = _client(replace(WITH_PAGES, root_path="/face"), "/face")
    assert http.get("/face/openapi.json").json()["servers"] == [{"url": "/face"}]
    for path in ("/face/", "/face/docs", "/face/kiosk", "/face/pages/common/api.js"):
        assert http.get(path).status_code == 200
    assert '"openapi.json"' in http.get("/face/docs").text.replace("'", '"')
