"""What a person does at the kiosk, in a real browser whose camera shows a film of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import Installation
from tests.pages.film import Film
from tests.pages.kiosk_page import WAIT, KioskPage

STORED = """async () => ({
  local: localStorage.length, session: sessionStorage.length, cookies: document.cookie,
  databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
NOTHING: dict[str, Any] = {
    "local": 0,
    "session": 0,
    "cookies": "",
    "databases": 0,
    "caches": 0,
    "workers": 0,
}


@pytest.fixture(scope="module")
def amy(people: dict[str, list[Path]]) -> Path:
    return people["amy"][4]


@pytest.fixture(scope="module")
def raj(people: dict[str, list[Path]]) -> Path:
    return people["raj"][0]


def test_person_is_enrolled_and_verified_and_another_is_not(
    kiosk: KioskPage, key: str, film: Film, client: CollectionClient, amy: Path, raj: Path
) -> None:
    kiosk.open(key, collection=client.collection, consent="form-7")
    kiosk.picture("home")
    kiosk.come_in("enroll", "amy-1")
    kiosk.says("word.no_face")
    kiosk.picture("search")
    film.show_photograph(amy)
    kiosk.heading("yes.enroll")
    kiosk.picture("enrolled")
    assert ok(client.subject("amy-1"))["consentReference"] == "form-7"

    kiosk.press("done")
    kiosk.come_in("verify", "amy-1")
    kiosk.heading("yes.verify")
    expect(kiosk.page.locator("#outcome-detail")).to_contain_text("amy-1")
    kiosk.picture("yes")

    kiosk.press("done")
    film.show_photograph(raj)
    kiosk.come_in("verify", "amy-1")
    kiosk.heading("no.verify")
    kiosk.picture("no")
    assert kiosk.page.evaluate(STORED) == NOTHING


@pytest.mark.parametrize("language", ["ko"])
def test_second_enrollment_of_a_face_is_refused(
    kiosk: KioskPage, key: str, film: Film, client: CollectionClient, amy: Path
) -> None:
    ok(client.enroll("amy-1", amy), 201)
    film.show_photograph(amy)
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("enroll", "amy-2")
    kiosk.heading("fail.duplicate_subject")


@pytest.mark.parametrize("language", ["en"])
def test_face_alone_is_found_where_the_key_may_search(
    kiosk: KioskPage,
    installation: Installation,
    film: Film,
    client: CollectionClient,
    amy: Path,
    raj: Path,
) -> None:
    ok(client.enroll("amy-1", amy), 201)
    key = installation.key(Scope.VERIFY, Scope.SEARCH, collections=(client.collection,))
    kiosk.open(key, collection=client.collection, do="verify,enroll,identify")
    kiosk.shows("home")
    expect(kiosk.page.locator("[data-go=enroll]")).to_be_hidden()  # the key may not
    film.show_photograph(amy)
    kiosk.come_in("identify")
    kiosk.heading("yes.identify")
    kiosk.press("done")
    film.show_photograph(raj)
    kiosk.come_in("identify")
    kiosk.heading("no.identify")


@pytest.mark.parametrize("language", ["ko"])
def test_kiosk_goes_back_to_its_start_by_itself_and_forgets(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    page = kiosk.page
    page.clock.install()
    kiosk.open(key, collection=client.collection)
    with page.expect_response("**/check"):  # it looks; the word stands there before
        kiosk.come_in("verify", "nobody")
    kiosk.says("word.no_face")
    page.clock.fast_forward(31_000)  # and nobody comes
    kiosk.shows("home")
    kiosk.press("verify")
    expect(page.locator("#subject")).to_have_value("")
    page.locator("#subject").fill("somebody")
    page.clock.fast_forward(50_000)
    expect(page.locator("#idle")).to_be_visible(timeout=WAIT)
    page.clock.fast_forward(11_000)
    kiosk.shows("home")
    kiosk.press("verify")
    expect(page.locator("#subject")).to_have_value("")


@pytest.mark.parametrize("language", ["ko"])
def test_person_may_leave_at_every_step(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    kiosk.press("enroll")
    kiosk.shows("who")
    kiosk.press("cancel")
    kiosk.shows("home")
    kiosk.press("enroll")
    kiosk.page.locator("#subject").fill("amy-1")
    kiosk.press("next")
    kiosk.shows("consent")
    kiosk.press("cancel")
    kiosk.come_in("enroll", "amy-1")
    kiosk.says("word.no_face")
    kiosk.page.keyboard.press("Escape")
    kiosk.shows("home")
    assert kiosk.page.evaluate("document.querySelector('video').srcObject") is None


@pytest.mark.parametrize("language", ["en"])
def test_nobody_is_enrolled_who_has_not_agreed(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection, consent="form-7", consentText="Our own words.")
    kiosk.shows("home")
    kiosk.press("enroll")
    kiosk.page.locator("#subject").fill("amy 1")
    kiosk.press("next")
    expect(kiosk.page.locator("#subject-problem")).to_have_text(kiosk.text("who.wrong"))
    kiosk.page.locator("#subject").fill("amy-1")
    kiosk.press("next")
    expect(kiosk.page.locator("#consent-text")).to_have_text("Our own words.")
    expect(kiosk.page.locator("#consent-reference")).to_contain_text("form-7")
    kiosk.press("next")
    expect(kiosk.page.locator("#agree-problem")).to_have_text(kiosk.text("consent.needed"))
    kiosk.shows("consent")


@pytest.mark.parametrize("language", ["ko"])
def test_key_is_taken_out_of_the_address_and_may_be_typed_in(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    assert key not in kiosk.page.url
    assert client.collection in kiosk.page.url
    kiosk.page.reload()  # the key was in memory alone
    kiosk.shows("pair")
    kiosk.picture("pair")
    assert kiosk.page.locator("#key").get_attribute("type") == "password"
    assert kiosk.page.locator("#key").get_attribute("autocomplete") == "off"
    kiosk.page.locator("#key").fill(key)
    kiosk.press("next")
    kiosk.shows("home")
    assert kiosk.page.locator("#key").input_value() == ""
    kiosk.page.goto(f"{kiosk.url}/kiosk#key={key}&do=verify")  # into the page that is open
    expect(kiosk.page).not_to_have_url(re.compile(re.escape(key)), timeout=WAIT)  # loaded anew
    expect(kiosk.page.locator("[data-go=verify]")).to_be_visible(timeout=WAIT)
    expect(kiosk.page.locator("[data-go=enroll]")).to_be_hidden(timeout=WAIT)


@pytest.mark.parametrize("language", ["ko"])
def test_language_is_changed_by_a_button(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    kiosk.page.locator("#language").click()
    expect(kiosk.page.locator("section:not([hidden]) h1")).to_have_text("How can we help you?")
    assert kiosk.page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("language", ["ko"])
def test_next_person_is_greeted_in_the_language_of_the_kiosk(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    kiosk.page.locator("#language").click()
    kiosk.page.locator("[data-go=verify]").click()
    kiosk.press("cancel")
    kiosk.shows("home")
    assert kiosk.page.locator("html").get_attribute("lang") == "ko"
