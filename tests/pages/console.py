"""The operator's page as an operator uses it: by what is written on it, in either language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, Locator, Page, expect

from tests.contract.installation import Server
from tests.pages.sentences import sentences

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")

WAIT = 30_000
"""Milliseconds: a busy machine takes its time."""

expect.set_options(timeout=WAIT)


class Console:
    """`text`: what stands on the page under a key of its texts."""

    def __init__(self, page: Page, server: Server, language: Language) -> None:
        self.page = page
        self.server = server
        self.language = language
        self._texts = sentences("console", language)
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def text(self, key: str, **values: object) -> str:
        """With `{name}` filled in."""
        return str(self._texts[key].format(**values))

    def open(self, view: str = "state") -> None:
        self.page.goto(f"{self.server.url}/console#view={view}&lang={self.language}")

    def sign_in(self, key: str, view: str = "state") -> None:
        """By the form, as somebody who types the key."""
        self.open(view)
        self.page.get_by_label(self.text("sign_in.key"), exact=True).fill(key)
        self.press("sign_in.enter")
        self.heading(f"{view}.title").wait_for()

    def go(self, view: str) -> None:
        """By the link, as somebody who clicks it."""
        views = self.page.get_by_role("navigation", name=self.text("views"))
        views.get_by_role("link", name=self.text(f"view.{view}"), exact=True).click()
        self.heading(f"{view}.title").wait_for()

    def heading(self, key: str, **values: object) -> Locator:
        return self.page.get_by_role("heading", name=self.text(key, **values), exact=True)

    def button(self, key: str, **values: object) -> Locator:
        return self.page.get_by_role("button", name=self.text(key, **values), exact=True)

    def press(self, key: str, **values: object) -> None:
        self.button(key, **values).click()

    def fill(self, key: str, content: str, **values: object) -> None:
        self.page.get_by_label(self.text(key, **values), exact=True).fill(content)

    def choose(self, collection: str) -> None:
        self.page.locator("#collection").select_option(collection)

    def focused(self) -> str:
        """What has the focus, as it is read."""
        return str(self.page.evaluate("document.activeElement.textContent"))

    def shown(self, message: str) -> Locator:
        return self.page.get_by_text(message, exact=True).first


@contextmanager
def opened(
    browser: Browser, server: Server, language: Language, **options: Any
) -> Iterator[Console]:
    """A page of its own; at the end no script of it may have failed."""
    page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
    page.set_default_timeout(WAIT)
    console = Console(page, server, language)
    yield console
    page.close()
    assert console.faults == []
