"""The `type` of a problem leads to what the service itself tells about it."""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urljoin

import httpx
import pytest

from service.api.problems import kinds_by_code
from service.texts import CATALOGUE
from tests.api.in_process import calling


@pytest.fixture(scope="module")
def page() -> httpx.Response:
    return calling().request("GET", "/docs/errors")


def test_type_leads_to_the_section_of_the_code(page: httpx.Response) -> None:
    app = calling()
    refusal = app.request("POST", "/verify", content=b"{")
    address, code = urldefrag(urljoin("http://localhost/verify", refusal.json()["type"]))
    assert app.request("GET", address).text == page.text
    assert code == refusal.json()["code"]
    assert f'<section id="{code}">' in page.text


def test_type_is_below_the_prefix_of_the_proxy() -> None:
    app = calling()
    app.app.root_path = "/face"
    assert app.request("GET", "/nowhere").json()["type"] == "/face/docs/errors#not_found"


def test_page_has_every_code_with_its_sentences_in_both_languages(page: httpx.Response) -> None:
    assert page.status_code == 200
    assert set(re.findall(r'<section id="(\w+)">', page.text)) == set(kinds_by_code())
    for language in ("ko", "en"):
        assert CATALOGUE[language]["error.internal_error.detail"] in page.text
    assert "/admin/collections/&lt;name&gt;" in page.text
    assert "<code>X-API-Key: &lt;key&gt;</code>" in page.text
    assert "`" not in page.text


def test_page_loads_and_runs_nothing(page: httpx.Response) -> None:
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href|url)\s*[=(]", page.text)


def test_page_is_open_to_all_as_the_documentation_is() -> None:
    answer = calling().request("GET", "/docs/errors", headers={"X-API-Key": ""})
    assert answer.status_code == 200
