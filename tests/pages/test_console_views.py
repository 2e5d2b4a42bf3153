"""The views of the operator's page: what they tell, how they look, what they say when nothing answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from service.domain.callers import Scope
from tests.contract.collection_client import ok
from tests.contract.installation import Installation, Server
from tests.pages.accessible import serious_findings
from tests.pages.console import Console, Language, opened

VIEWS = ("state", "people", "duplicates", "collections", "keys", "audit", "bench")
LOOKS: tuple[tuple[Language, Literal["light", "dark"], int], ...] = (
    ("ko", "light", 1440),
    ("en", "dark", 360),
)


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_every_view_is_accessible_and_fits(
    browser: Browser,
    server: Server,
    operator_key: str,
    gallery: str,
    pictures: Path,
    language: Language,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    with opened(browser, server, language, **options) as console:
        console.open()
        assert serious_findings(console.page) == []
        console.sign_in(operator_key)
        console.choose(gallery)
        for view in VIEWS:
            console.go(view)
            console.page.wait_for_load_state("networkidle")
            assert serious_findings(console.page) == [], view
            assert _width(console.page) <= width, view
            console.page.screenshot(
                path=pictures / f"console-{view}-{language}-{scheme}-{width}.png", full_page=True
            )


def test_no_view_is_wider_than_a_tablet(
    browser: Browser, server: Server, operator_key: str, gallery: str
) -> None:
    """Neither upright nor across; English words are the longest that are not broken."""
    with opened(browser, server, "en", viewport={"width": 1000, "height": 900}) as console:
        console.sign_in(operator_key)
        console.choose(gallery)
        for view in VIEWS:
            console.go(view)
            console.page.wait_for_load_state("networkidle")
            for width in (720, 1000, 1200, 1300):
                console.page.set_viewport_size({"width": width, "height": 900})
                assert _width(console.page) <= width, view


def test_state_draws_what_the_service_has_counted(
    browser: Browser,
    server: Server,
    operator_key: str,
    gallery: str,
    people: dict[str, list[Path]],
) -> None:
    name, photographs = next(iter(people.items()))
    with server.client(operator_key) as http:
        files = [("images", photographs[1].read_bytes())]
        ok(http.post("/verify", data={"subjectId": name, "collection": gallery}, files=files))
    with opened(browser, server, "en") as console:
        called: list[str] = []
        console.page.on("request", lambda request: called.append(request.url))
        console.sign_in(operator_key)
        traffic = console.page.locator(".traffic")
        expect(traffic.get_by_role("rowheader", name="/verify", exact=True)).to_be_visible()
        plot = traffic.get_by_role("img", name=console.text("traffic.similarity.verify"))
        assert plot.locator("rect").count() > 10
        counts = plot.locator("text[text-anchor=end]").all_text_contents()
        assert len(counts) == len(set(counts)), "two ticks of one number"
        expect(console.page.locator(".service")).to_contain_text("mobile_s")
        expect(console.page.locator(".people")).to_contain_text(gallery)
        lists = [url for url in called if "/admin/collections" in url]
        assert len(lists) == 1, "all collections, with their people counted, are listed once"


def _width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_two_photographs_are_compared_in_the_page(
    browser: Browser,
    server: Server,
    operator_key: str,
    people: dict[str, list[Path]],
) -> None:
    """They go to /check and /token/images, and nowhere else."""
    photographs = next(iter(people.values()))
    with opened(browser, server, "ko") as console:
        console.sign_in(operator_key, "bench")
        called: list[str] = []
        console.page.on("request", lambda request: called.append(request.url))
        _look_at(console, photographs)
        assert float(console.page.locator(".figure").inner_text()) > 0.5
        expect(console.page.locator("canvas")).to_have_count(2)
        assert {url.removeprefix(server.url) for url in called} == {"/check", "/token/images"}


def _look_at(console: Console, photographs: list[Path]) -> None:
    for name, photograph in zip(("first", "second"), photographs[:2], strict=True):
        console.page.locator(f"#photograph-{name}").set_input_files(photograph)
    console.heading("bench.result").wait_for()


def test_bench_names_the_scope_that_the_key_lacks(
    browser: Browser, server: Server, installation: Installation, people: dict[str, list[Path]]
) -> None:
    photograph = next(iter(people.values()))[0]
    with opened(browser, server, "en") as console:
        console.sign_in(installation.key(Scope.ADMIN), "bench")
        console.page.locator("#photograph-first").set_input_files(photograph)
        expect(console.heading("bench.scope.title")).to_be_visible()
        expect(console.page.locator(".problem")).to_contain_text("token, enroll, verify")


def test_audit_is_filtered_by_a_person(
    browser: Browser,
    server: Server,
    operator_key: str,
    gallery: str,
    people: dict[str, list[Path]],
) -> None:
    name = list(people)[1]
    with opened(browser, server, "en") as console:
        console.sign_in(operator_key, "audit")
        console.fill("person.id", name)
        console.press("audit.show")
        expect(console.page.locator(".error-summary")).to_be_focused()  # of which collection?
        console.page.locator("#in").select_option(gallery)
        console.press("audit.show")
        expect(console.page.locator("tbody tr")).to_have_count(1)
        expect(console.page.locator("tbody tr")).to_contain_text(console.text("action.enroll"))
        console.go("people")
        console.go("audit")
        expect(console.page.locator(".facts")).to_contain_text("is what it was")


@pytest.mark.parametrize(
    ("status", "code"), [(None, "unreachable"), (503, "overloaded"), (502, "not_ours")]
)
def test_a_call_that_comes_to_nothing_says_what_to_do(
    browser: Browser,
    server: Server,
    operator_key: str,
    status: int | None,
    code: str,
) -> None:
    """And the same call is made again where the operator wants that."""
    with opened(browser, server, "en") as console:
        console.sign_in(operator_key, "collections")
        answers = lambda route: _answer(route, status, code)  # noqa: E731
        console.page.route("**/admin/subjects?*", answers)
        console.go("people")
        expect(console.heading(f"problem.{code}.title")).to_be_visible()
        expect(console.page.locator(".problem")).to_be_focused()
        console.page.unroute("**/admin/subjects?*", answers)
        console.press("again")
        expect(console.page.locator(".pager")).to_be_visible()
        assert console.page.locator(".problem").count() == 0


def test_a_service_that_is_not_ready_says_what_is_missing(
    browser: Browser,
    server: Server,
    operator_key: str,
) -> None:
    """By the answer for load balancers, which needs no database."""

    def not_ready(route: Route) -> None:
        missing = {"status": "not_ready", "database": "database_unavailable"}
        route.fulfill(status=503, json={**route.fetch().json(), **missing})

    with opened(browser, server, "ko") as console:
        console.sign_in(operator_key, "people")
        console.page.route("**/readyz", not_ready)
        console.page.route("**/metrics", lambda route: _answer(route, 503, "database_unavailable"))
        console.go("state")
        expect(console.page.locator(".service")).to_contain_text("database_unavailable")
        expect(console.page.locator(".problem")).to_contain_text("database_unavailable")


def _answer(route: Route, status: int | None, code: str) -> None:
    if status is None:
        route.abort()
    elif code == "not_ours":
        route.fulfill(status=status, content_type="text/html", body="<h1>Bad Gateway</h1>")
    else:
        route.fulfill(
            status=status, headers={"Retry-After": "3"}, json={"code": code, "title": "-"}
        )


def test_by_keyboard_alone(
    browser: Browser,
    server: Server,
    operator_key: str,
) -> None:
    with opened(browser, server, "en") as console:
        console.open()
        press = console.page.keyboard.press
        press("Tab")
        assert console.focused() == console.text("skip")
        press("Enter")
        press("Tab")
        console.page.keyboard.insert_text(operator_key)
        press("Enter")
        expect(console.heading("state.title")).to_be_focused()
        console.page.locator("#views a").nth(1).focus()
        press("Enter")
        expect(console.heading("people.title")).to_be_focused()
