"""The main job by the two pages alone: whoever runs the service has the one, a person before a camera the other."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.contract.installation import Server
from tests.pages.console import Console, Language, opened
from tests.pages.film import Film
from tests.pages.kiosk_page import KioskPage


def test_a_person_is_enrolled_verified_found_twice_decided_about_and_deleted(
    kiosk: KioskPage,
    browser: Browser,
    server: Server,
    operator_key: str,
    film: Film,
    people: dict[str, list[Path]],
    language: Language,
) -> None:
    collection = f"shop-{language}"
    with opened(browser, server, language) as console:
        console.sign_in(operator_key, "collections")
        _make_collection(console, collection)
        key = _make_key(console, f"kiosk-{language}", collection)

        kiosk.open(key, collection=collection)
        film.show_photograph(people["amy"][4])
        for subject in ("amy-1", "amy-2"):
            kiosk.come_in("enroll", subject)
            kiosk.heading("yes.enroll")
            kiosk.press("done")
        kiosk.come_in("verify", "amy-1")
        kiosk.heading("yes.verify")
        kiosk.press("done")

        console.go("people")
        console.choose(collection)
        console.go("duplicates")
        _decide_and_merge(console)
        console.go("people")
        console.page.get_by_role("button", name="amy-1", exact=True).click()
        _delete(console)

        kiosk.come_in("verify", "amy-1")
        kiosk.heading("fail.subject_not_found")


def _make_collection(console: Console, name: str) -> None:
    """One in which lookalikes wait for a person."""
    console.press("collections.make")
    console.page.get_by_role("dialog").get_by_role("textbox").fill(name)
    console.page.get_by_role("dialog").locator("button.primary").click()
    console.page.get_by_label(console.text("policy.flag"), exact=True).check()
    console.press("save")
    expect(console.shown(console.text("collection.saved", collection=name))).to_be_visible()


def _make_key(console: Console, name: str, collection: str) -> str:
    """As a kiosk is paired."""
    console.go("keys")
    console.press("keys.make")
    dialog = console.page.get_by_role("dialog")
    dialog.locator("#key-name").fill(name)
    for choice in ("verify", "enroll", collection):
        dialog.get_by_label(choice, exact=True).check()
    dialog.locator("button.primary").click()
    return console.page.get_by_label(console.text("keys.secret"), exact=True).input_value()


def _decide_and_merge(console: Console) -> None:
    console.press("decision.same_person")
    console.page.get_by_role("dialog").locator("button.primary").click()
    console.press("duplicates.keep", stays="amy-1")
    console.page.get_by_role("dialog").locator("button.danger").click()
    expect(console.shown(console.text("duplicates.merged"))).to_be_visible()


def _delete(console: Console) -> None:
    console.press("person.delete")
    console.fill("confirm.type", "amy-1", name="amy-1")
    console.press("person.delete.confirm", subject="amy-1")
    expect(console.shown(console.text("proof.gone"))).to_be_visible()
