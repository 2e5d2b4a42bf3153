"""The kiosk page as a person uses it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.pages.sentences import sentences

WAIT = 30_000
"""Milliseconds: a busy machine takes its time."""


@dataclass(frozen=True)
class KioskPage:
    """`pictures`: where it leaves what is to be seen."""

    page: Page
    url: str
    language: str
    pictures: Path

    def open(self, key: str = "", **fragment: str) -> None:
        self.page.goto("about:blank")
        fields = {"lang": self.language, **({"key": key} if key else {}), **fragment}
        self.page.goto(f"{self.url}/kiosk#{urlencode(fields)}")

    def text(self, key: str, **values: Any) -> str:
        return sentences("kiosk", self.language)[key].format(**values)

    def shows(self, screen: str) -> None:
        expect(self.page.locator(f"section[data-screen={screen}]")).to_be_visible(timeout=WAIT)

    def heading(self, key: str) -> None:
        """What the result says."""
        self.shows("result")
        expect(self.page.locator("#outcome-title")).to_have_text(self.text(key), timeout=WAIT)

    def says(self, key: str) -> None:
        """The word beside the camera's picture."""
        expect(self.page.locator("#word")).to_have_text(self.text(key), timeout=WAIT)

    def press(self, go: str) -> None:
        self.page.locator(f"section:not([hidden]) [data-go={go}]").click()

    def come_in(self, task: str, subject_id: str = "") -> None:
        """Up to the camera."""
        self.shows("home")
        self.press(task)
        if subject_id:
            self.page.locator("#subject").fill(subject_id)
            self.press("next")
        if task == "enroll":
            self.page.locator("#agree").check()
            self.press("next")

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"kiosk-{name}-{self.language}.png")
