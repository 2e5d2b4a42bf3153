"""axe-core looks at a page as somebody who cannot see it, or not well, would meet it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.pages.node import installed_packages

SERIOUS = ("serious", "critical")


def serious_findings(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds and calls serious or critical, by its rules: the rule, and where."""
    axe = installed_packages() / "axe-core" / "axe.min.js"
    page.evaluate(axe.read_text("utf-8"))  # as the browser's own tools do: past the page's policy
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {"rule": each["id"], "where": [node["html"] for node in each["nodes"]]}
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]
