"""The page that a problem's `type` leads to, as a browser shows it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import httpx
from playwright.sync_api import Browser

from tests.contract.installation import Server
from tests.pages.accessible import serious_findings

PREFIX = "/face"
"""Of the proxy that the server is told of, which takes it away."""


def test_type_of_a_problem_shows_its_section(
    browser: Browser, server: Server, pictures: Path
) -> None:
    problem = httpx.get(f"{server.url}/admin/subjects").json()
    page = browser.new_page(viewport={"width": 900, "height": 800})
    assert problem["type"].startswith(PREFIX)
    page.goto(urljoin(server.url, problem["type"].removeprefix(PREFIX)))
    section = page.locator(f"#{problem['code']}")
    assert section.locator("p[lang='ko']").inner_text().startswith(problem["title"])
    assert section.bounding_box() is not None
    marked = section.evaluate("section => getComputedStyle(section).borderLeftColor")
    assert marked == section.evaluate("section => getComputedStyle(section).color")
    page.screenshot(path=pictures / "errors.png")
    assert serious_findings(page) == []
    page.close()
