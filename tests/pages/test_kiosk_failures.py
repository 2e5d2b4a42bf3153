"""Whatever goes wrong at the kiosk has a screen that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Playwright, Route, expect

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import Installation, Server
from tests.pages.accessible import serious_findings
from tests.pages.conftest import CALLS_PER_MINUTE, browser_with
from tests.pages.film import Film
from tests.pages.kiosk_page import WAIT, KioskPage

TRACK = "document.querySelector('video').srcObject.getTracks()[0]"
LOST = f"() => {{ const track = {TRACK}; track.stop(); track.dispatchEvent(new Event('ended')); }}"
"""A track that is stopped by hand tells nobody: the event is what a pulled cable makes."""


LONG_ENOUGH = 15
"""Seconds in which a busy machine opens a page."""


@pytest.fixture(scope="module")
def without_camera(playwright: Playwright) -> Iterator[Browser]:
    with browser_with(playwright) as browser:
        yield browser


def _use_up(http: httpx.Client) -> int:
    """All calls of this minute. The seconds until the next one."""
    for _ in range(CALLS_PER_MINUTE + 1):
        refused = http.post("/check")
    assert refused.status_code == 429
    return int(refused.headers["Retry-After"])


def _what_to_do(kiosk: KioskPage, code: str) -> None:
    kiosk.heading(f"fail.{code}")
    expect(kiosk.page.locator("#outcome-detail")).to_have_text(kiosk.text(f"fail.{code}.do"))
    kiosk.picture(f"fail-{code}")


def test_wrong_key_is_asked_for_again(kiosk: KioskPage, key: str, client: CollectionClient) -> None:
    kiosk.open("fk_wrong", collection=client.collection)
    _what_to_do(kiosk, "unauthenticated")
    assert serious_findings(kiosk.page) == []
    kiosk.press("again")
    kiosk.shows("pair")
    kiosk.page.locator("#key").fill(key)
    kiosk.press("next")
    kiosk.shows("home")


def test_key_without_the_scope(
    kiosk: KioskPage, installation: Installation, client: CollectionClient
) -> None:
    key = installation.key(Scope.TOKEN, collections=(client.collection,))
    kiosk.open(key, collection=client.collection)
    _what_to_do(kiosk, "not_allowed")


@pytest.mark.parametrize("language", ["en"])
def test_key_of_another_collection(
    kiosk: KioskPage, key: str, people: dict[str, list[Path]], film: Film
) -> None:
    film.show_photograph(people["amy"][4])
    kiosk.open(key, collection="default")
    kiosk.come_in("verify", "amy-1")
    _what_to_do(kiosk, "not_allowed")


def test_lost_server_is_tried_again_by_itself(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    kiosk.says("word.no_face")
    kiosk.page.context.set_offline(True)
    _what_to_do(kiosk, "unreachable")
    expect(kiosk.page.locator("#outcome-left")).not_to_be_empty()
    kiosk.page.context.set_offline(False)
    kiosk.shows("camera")  # by itself


@pytest.mark.parametrize("language", ["ko"])
def test_who_has_left_a_lost_service_is_forgotten(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    """Else whoever stands there when it comes back is enrolled as somebody else."""
    kiosk.page.clock.install()
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("enroll", "amy-1")
    kiosk.says("word.no_face")
    kiosk.page.context.set_offline(True)
    kiosk.heading("fail.unreachable")
    kiosk.page.clock.fast_forward(61_000)
    left = kiosk.page.locator("#outcome-left")
    expect(left).to_contain_text(kiosk.text("left.done", seconds=""), timeout=WAIT)
    kiosk.page.clock.fast_forward(31_000)
    kiosk.shows("home")
    kiosk.press("enroll")
    expect(kiosk.page.locator("#subject")).to_have_value("")


def test_no_camera(
    kiosk: KioskPage,
    without_camera: Browser,
    key: str,
    client: CollectionClient,
    server: Server,
) -> None:
    context = without_camera.new_context(permissions=["camera"])
    page = KioskPage(context.new_page(), server.url, kiosk.language, kiosk.pictures)
    page.open(key, collection=client.collection)
    page.come_in("verify", "amy-1")
    _what_to_do(page, "no_camera")
    context.close()


def test_refused_camera(kiosk: KioskPage, key: str, client: CollectionClient) -> None:
    kiosk.page.context.clear_permissions()
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    _what_to_do(kiosk, "camera_refused")
    kiosk.page.context.grant_permissions(["camera"])
    kiosk.press("again")
    kiosk.says("word.no_face")


def test_camera_that_is_lost_midway(kiosk: KioskPage, key: str, client: CollectionClient) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    kiosk.says("word.no_face")
    kiosk.page.evaluate(LOST)
    _what_to_do(kiosk, "camera_lost")
    kiosk.press("again")
    kiosk.says("word.no_face")


@pytest.mark.parametrize("language", ["ko"])
def test_kiosk_that_has_asked_too_often_waits_as_long_as_it_is_told(
    kiosk: KioskPage, key: str, client: CollectionClient, server: Server
) -> None:
    with server.client(key) as http:
        seconds = _use_up(http)
        if seconds < LONG_ENOUGH:  # a new minute begins soon, and with it all is forgotten
            kiosk.page.wait_for_timeout(seconds * 1000)
            seconds = _use_up(http)
    kiosk.open(key, collection=client.collection)
    _what_to_do(kiosk, "busy")
    said = re.search(r"\d+", kiosk.page.locator("#outcome-left").inner_text())
    assert said is not None
    assert seconds - LONG_ENOUGH < int(said[0]) <= seconds


@pytest.mark.parametrize("language", ["en"])
def test_long_wait_before_the_camera_is_told_at_once(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    """Else the person leaves, and the next one is taken for them."""
    problem = '{"code": "rate_limited", "title": "", "detail": "", "requestId": "x"}'
    kiosk.page.route(
        "**/check",
        lambda route: route.fulfill(status=429, headers={"Retry-After": "50"}, body=problem),
    )
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    _what_to_do(kiosk, "busy")


@pytest.mark.parametrize("language", ["en"])
def test_full_queue_is_waited_for_and_goes_on_by_itself(
    kiosk: KioskPage, key: str, client: CollectionClient, film: Film, people: dict[str, list[Path]]
) -> None:
    """What a service whose queue is full answers, for a while."""
    ok(client.enroll("amy-1", people["amy"][0]), 201)
    calls = 0

    def full(route: Route) -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            route.continue_()
            return
        problem = '{"code": "overloaded", "title": "", "detail": "", "requestId": "x"}'
        route.fulfill(status=503, headers={"Retry-After": "1"}, body=problem)

    film.show_photograph(people["amy"][4])
    kiosk.page.route("**/check", full)
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    _what_to_do(kiosk, "busy")
    kiosk.heading("yes.verify")
    assert calls > 4


@pytest.mark.parametrize("language", ["ko"])
def test_person_who_is_not_enrolled_may_type_in_another_number(
    kiosk: KioskPage, key: str, client: CollectionClient, film: Film, people: dict[str, list[Path]]
) -> None:
    film.show_photograph(people["amy"][4])
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    _what_to_do(kiosk, "subject_not_found")
    kiosk.press("again")
    kiosk.shows("who")


@pytest.mark.parametrize("language", ["ko"])
def test_face_that_cannot_be_seen_well_is_told_why(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    kiosk.says("word.no_face")
    kiosk.page.locator("#now").click()  # all the same
    _what_to_do(kiosk, "no_usable_face")
    expect(kiosk.page.locator("#outcome-reasons li").first).to_be_visible(timeout=WAIT)


@pytest.mark.parametrize("language", ["en"])
def test_enrollment_whose_answer_is_lost_is_known_for_one(
    kiosk: KioskPage, key: str, client: CollectionClient, film: Film, people: dict[str, list[Path]]
) -> None:
    lost = 0

    def answer_lost(route: Route) -> None:
        nonlocal lost
        if route.request.post_data_buffer and b"amy-1" in route.request.post_data_buffer:
            lost += 1
            if lost <= 2:
                route.fetch()
                route.abort()
                return
        route.continue_()

    film.show_photograph(people["amy"][4])
    kiosk.page.route("**/enroll", answer_lost)
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("enroll", "amy-1")
    kiosk.heading("fail.unreachable")
    kiosk.heading("yes.enroll")
    assert lost == 3
    assert ok(client.subject("amy-1"))["subjectId"] == "amy-1"
