"""Where the address of the service leads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.contract.installation import Server
from tests.pages.accessible import serious_findings


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
