"""What browsers are told, whatever the answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.installation import Installation, Server

ANSWERS = {
    "an answer": ("GET", "/healthz"),
    "no route": ("GET", "/nowhere"),
    "no key": ("POST", "/verify"),
    "metrics": ("GET", "/metrics"),
    "a page": ("GET", "/docs"),
    "an asset": ("GET", "/docs/assets/swagger-ui.css"),
    "the description": ("GET", "/openapi.json"),
}
PAGES = {"/docs": ("swagger-ui-bundle.js", "swagger-ui.css"), "/redoc": ("redoc.standalone.js",)}


@pytest.fixture(scope="module")
def exposed(installation: Installation) -> Iterator[Server]:
    """To the network, in plain text."""
    with installation.serving(host="0.0.0.0", log_format="console") as server:
        yield server


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_closed_to_other_sites(http: httpx.Client, name: str) -> None:
    headers = http.request(*ANSWERS[name]).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_answers_are_not_kept(http: httpx.Client) -> None:
    assert http.get("/admin/subjects").headers["Cache-Control"] == "no-store"


def test_plain_http_claims_no_tls(http: httpx.Client) -> None:
    assert "Strict-Transport-Security" not in http.get("/healthz").headers


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_other_origin_may_read_answers(http: httpx.Client, method: str) -> None:
    asked = {"Origin": "https://faces.example", "Access-Control-Request-Method": "POST"}
    for path in ("/healthz", "/admin/subjects", "/verify"):
        headers = http.request(method, path, headers=asked).headers
        assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("page", PAGES)
def test_pages_load_everything_from_here(http: httpx.Client, page: str) -> None:
    text = http.get(page).text
    assert "//" not in "".join(re.findall(r'(?:src|href|spec-url)="([^"]*)"', text))
    for asset in PAGES[page]:
        assert f'"docs/assets/{asset}"' in text
        assert len(http.get(f"/docs/assets/{asset}").content) > 100_000


@pytest.mark.parametrize("page", PAGES)
def test_pages_allow_their_own_scripts_and_no_others(http: httpx.Client, page: str) -> None:
    answer = http.get(page)
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";")
    )
    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inline]
    allowed = policy["script-src"].split()
    assert allowed == ["'self'", *(f"'sha256-{digest}'" for digest in digests)]
    assert policy["connect-src"] == "'self'"


def test_no_other_file_is_served(http: httpx.Client) -> None:
    for name in ("core.py", "..%2Fcore.py", "%2Fetc%2Fpasswd"):
        assert http.get(f"/docs/assets/{name}").status_code in (400, 404)


def test_plain_text_beyond_this_machine_is_warned_of_once(exposed: Server) -> None:
    assert exposed.log.count("without TLS") == 1


def test_log_is_readable_where_that_was_asked_for(exposed: Server) -> None:
    exposed.wait_until(lambda: "route=/readyz" in exposed.log)  # written once the call is answered
    assert not [line for line in exposed.log.splitlines() if line.startswith("{")]


def test_plain_text_on_this_machine_is_not(server: Server) -> None:
    assert "without TLS" not in server.log
