"""Who can use the kiosk: with a keyboard alone, on a small telephone and a 4K screen, without motion, by ear."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.contract.collection_client import CollectionClient, ok
from tests.pages.accessible import serious_findings
from tests.pages.film import Film
from tests.pages.kiosk_page import KioskPage

TARGET = 44
"""CSS pixels (WCAG 2.5.5)."""

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

SMALL_TARGETS = f"""() => [...document.querySelectorAll('button, input, label.agree')]
  .filter((one) => one.checkVisibility({{visibilityProperty: true}}) && one.type !== 'checkbox')
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.height < {TARGET} || box.width < {TARGET})
  .map(([html]) => html)"""


def _is_sound(kiosk: KioskPage, name: str) -> None:
    assert serious_findings(kiosk.page) == [], name
    assert kiosk.page.evaluate(SMALL_TARGETS) == [], name


def test_screens_have_no_serious_findings_and_large_targets(
    kiosk: KioskPage, key: str, client: CollectionClient, film: Film, people: dict[str, list[Path]]
) -> None:
    kiosk.open()
    kiosk.shows("pair")
    _is_sound(kiosk, "pair")
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    _is_sound(kiosk, "home")
    kiosk.press("enroll")
    kiosk.press("next")
    _is_sound(kiosk, "who")
    kiosk.page.locator("#subject").fill("amy-1")
    kiosk.press("next")
    kiosk.picture("consent")
    kiosk.press("next")
    _is_sound(kiosk, "consent")
    kiosk.page.locator("#agree").check()
    kiosk.press("next")
    kiosk.says("word.no_face")
    _is_sound(kiosk, "camera")
    film.show_photograph(people["amy"][4])
    kiosk.heading("yes.enroll")
    _is_sound(kiosk, "result")


@pytest.mark.parametrize("language", ["en"])
def test_person_is_verified_with_a_keyboard_alone(
    kiosk: KioskPage, key: str, client: CollectionClient, film: Film, people: dict[str, list[Path]]
) -> None:
    ok(client.enroll("amy-1", people["amy"][0]), 201)
    keyboard = kiosk.page.keyboard
    kiosk.open(key, collection=client.collection)
    kiosk.shows("home")
    keyboard.press("Tab")  # from the heading, where the focus is
    keyboard.press("Enter")
    kiosk.shows("who")
    keyboard.press("Tab")
    keyboard.type("amy-1")
    keyboard.press("Enter")
    kiosk.says("word.no_face")
    film.show_photograph(people["amy"][4])
    kiosk.heading("yes.verify")
    focused = "document.activeElement.id"
    assert kiosk.page.evaluate(focused) == "outcome-title"  # what a screen reader says
    keyboard.press("Tab")
    assert kiosk.page.evaluate(focused) == "done"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert kiosk.page.evaluate(outline) == "solid"  # and where one is, is seen
    keyboard.press("Space")
    kiosk.shows("home")


@pytest.mark.parametrize(
    ("language", "size"), [("ko", (360, 640)), ("en", (360, 640)), ("ko", (3840, 2160))], ids=str
)
def test_nothing_is_wider_than_the_screen(
    kiosk: KioskPage, key: str, client: CollectionClient, size: tuple[int, int]
) -> None:
    page, name = kiosk.page, str(size[0])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    kiosk.open(key, collection=client.collection, do="verify,enroll,identify")
    kiosk.shows("home")
    kiosk.picture(f"home-{name}")
    assert not page.evaluate(WIDER)
    kiosk.press("enroll")
    page.locator("#subject").fill("x" * 128)
    kiosk.press("next")
    assert not page.evaluate(WIDER)
    kiosk.picture(f"consent-{name}")
    page.locator("#agree").check()
    kiosk.press("next")
    kiosk.says("word.no_face")
    kiosk.picture(f"camera-{name}")
    assert not page.evaluate(WIDER)
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    assert stage["height"] > size[1] / 4  # one is seen
    page.locator("#now").click()
    kiosk.heading("fail.no_usable_face")
    kiosk.picture(f"result-{name}")
    assert not page.evaluate(WIDER)


@pytest.mark.parametrize("language", ["ko"])
def test_advice_is_said_and_nothing_moves_where_that_is_wished(
    kiosk: KioskPage, key: str, client: CollectionClient
) -> None:
    kiosk.page.emulate_media(reduced_motion="reduce")
    kiosk.open(key, collection=client.collection)
    kiosk.come_in("verify", "amy-1")
    kiosk.says("word.no_face")
    aloud = kiosk.page.locator("[role=status]#aloud")
    expect(aloud).to_have_text(kiosk.text("word.no_face"))
    for moving in (".wheel", ".arrow path"):
        style = f"getComputedStyle(document.querySelector('{moving}')).animationName"
        assert kiosk.page.evaluate(style) == "none"
