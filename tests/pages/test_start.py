"""Where the address of the service leads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.contract.installation import Server
from tests.pages.accessible import serious_findings
from tests.pages.kiosk_page import WAIT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_start_leads_to_both_pages(
    browser: Browser, server: Server, pictures: Path, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 900, "height": 800})
    page.goto(server.url)
    page.screenshot(path=pictures / f"start-{scheme}.png")
    for name in ("kiosk", "console", "docs"):
        assert page.locator(f"a[href='{name}']").is_visible()
    assert serious_findings(page) == []
    page.locator("a[href='kiosk']").click()
    page.wait_for_url("**/kiosk")
    assert page.locator("h1").first.is_visible()
    page.close()


def test_pages_work_below_a_prefix(browser: Browser, server: Server) -> None:
    """As a proxy serves them that takes the prefix away; the server was told of it."""
    page = browser.new_page()
    outside = "http://127.0.0.1:9/face"

    def passed_on(route: Route) -> None:
        inside = server.url + route.request.url.removeprefix(outside)
        route.fulfill(response=route.fetch(url=inside))

    page.route(f"{outside}/**", passed_on)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{outside}/kiosk#key=face_wrong&lang=en")
    expect(page.locator("#outcome-title")).to_have_text("Wrong key", timeout=WAIT)
    page.goto(f"{outside}/docs")
    expect(page.locator(".opblock").first).to_be_visible(timeout=WAIT)
    assert [url for url in asked if not url.startswith((outside, "data:"))] == []
    page.close()
