"""An operator looks after people, collections and keys by the page alone."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from service.domain.callers import Scope
from tests.contract.collection_client import ok
from tests.contract.installation import Installation, Server
from tests.pages.console import LANGUAGES, Console, Language, opened
from tests.pages.gallery import MARKUP, enroll_person, put_collection


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_is_found_shown_and_deleted(
    browser: Browser,
    server: Server,
    operator_key: str,
    people: dict[str, list[Path]],
    language: Language,
) -> None:
    """What the person brought with them is text, whatever it looks like."""
    collection = put_collection(server, operator_key, f"people-{language}")
    name, photographs = next(iter(people.items()))
    enroll_person(server, operator_key, photographs[0], name, collection)
    with opened(browser, server, language) as console:
        console.sign_in(operator_key)
        console.go("people")
        console.choose(collection)
        console.fill("people.find", MARKUP)
        console.press("find")
        expect(console.page.locator(".error-summary")).to_be_focused()
        console.fill("people.find", name[:2])
        console.press("find")
        console.page.get_by_role("button", name=name, exact=True).click()
        expect(console.page.locator(".facts pre")).to_have_text(re.compile(re.escape("onerror")))
        expect(console.page.locator(".facts dd").nth(1)).to_have_text(MARKUP)
        assert console.page.locator("img[src='x']").count() == 0
        name = _rename(console, name, f"{name}-2")
        _delete(console, name, collection)
    with server.client(operator_key) as http:
        gone = http.get(f"/admin/subjects/{name}", params={"collection": collection})
    assert gone.json()["code"] == "subject_not_found"


def _rename(console: Console, name: str, to: str) -> str:
    console.press("person.rename")
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("no spaces in it")
    dialog.locator("button.primary").click()
    expect(console.page.locator(".error-summary")).to_be_focused()
    dialog.get_by_role("textbox").fill(to)
    dialog.locator("button.primary").click()
    expect(console.page.get_by_role("heading", name=to, exact=True)).to_be_focused()
    expect(console.shown(console.text("person.renamed", subject=name, to=to))).to_be_visible()
    return to


def _delete(console: Console, name: str, collection: str) -> None:
    """Only with the person's id, typed; the proof is shown, and read first."""
    console.press("person.delete")
    confirm = console.button("person.delete.confirm", subject=name)
    confirm.click()
    expect(console.page.locator(".error-summary")).to_be_focused()
    console.fill("confirm.type", name, name=name)
    confirm.click()
    expect(console.heading("proof.title", subject=name)).to_be_focused()
    expect(console.shown(console.text("proof.gone"))).to_be_visible()
    expect(console.page.locator(".facts")).to_contain_text(collection)


def test_who_is_locked_is_told_and_unlocked(
    browser: Browser, server: Server, operator_key: str, gallery: str, people: dict[str, list[Path]]
) -> None:
    """Nobody is refused so often here: the answer about them is the service's but for the moment."""
    name = next(iter(people))

    def locked(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, json={**answer.json(), "lockedUntil": "2126-01-01T00:00:00Z"}
        )

    with opened(browser, server, "en") as console:
        console.sign_in(operator_key, "people")
        console.choose(gallery)
        console.page.route(f"**/admin/subjects/{name}?*", locked)
        console.page.get_by_role("button", name=name, exact=True).click()
        expect(console.page.get_by_role("heading", name="Locked until Jan 1, 2126")).to_be_visible()
        console.page.unroute(f"**/admin/subjects/{name}?*")
        console.press("person.unlock")
        expect(console.shown(console.text("person.unlocked", subject=name))).to_be_visible()
        assert console.button("person.unlock").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_flagged_duplicates_are_decided_and_merged(
    browser: Browser,
    server: Server,
    operator_key: str,
    people: dict[str, list[Path]],
    language: Language,
) -> None:
    """Who was enrolled twice becomes one person; two who only look alike stay two."""
    collection = put_collection(server, operator_key, f"twice-{language}", duplicatePolicy="flag")
    for name, photographs in list(people.items())[:2]:
        for subject, photograph in ((name, photographs[0]), (f"{name}-2", photographs[1])):
            enroll_person(server, operator_key, photograph, subject, collection)
    one, other = list(people)[:2]
    with opened(browser, server, language) as console:
        console.sign_in(operator_key)
        console.choose(collection)
        expect(console.page.locator(".looks")).to_contain_text(collection)
        console.go("duplicates")
        _decide(console, "different_people", other)
        _decide(console, "same_person", one)
        console.press("duplicates.keep", stays=one)
        console.page.get_by_role("dialog").locator("button.danger").click()
        expect(console.shown(console.text("duplicates.merged"))).to_be_visible()
        console.press("duplicates.resolved")
        expect(console.page.locator("article")).to_have_count(1)
        expect(console.page.locator("article")).to_contain_text(f"{other}-2")
    with server.client(operator_key) as http:
        listed = ok(http.get("/admin/subjects", params={"collection": collection}))["subjects"]
    assert [each["subjectId"] for each in listed] == [one, other, f"{other}-2"]


def test_unlike_faces_are_merged_by_force_alone(
    browser: Browser, server: Server, operator_key: str, people: dict[str, list[Path]]
) -> None:
    collection = put_collection(server, operator_key, "unlike")
    one, other = list(people)[:2]
    for name in (one, other):
        enroll_person(server, operator_key, people[name][0], name, collection)
    with opened(browser, server, "en") as console:
        console.sign_in(operator_key, "people")
        console.choose(collection)
        console.page.get_by_role("button", name=one, exact=True).click()
        console.press("person.merge")
        dialog = console.page.get_by_role("dialog")
        assert not dialog.locator("#force").is_visible()
        dialog.get_by_role("textbox").fill(other)
        dialog.locator("button.danger").click()
        expect(console.page.locator(".error-summary")).to_be_focused()
        dialog.get_by_label(console.text("person.force.yes")).check()
        dialog.locator("button.danger").click()
        expect(console.shown(console.text("person.merged", subject=one))).to_be_visible()


def _decide(console: Console, decision: str, name: str) -> None:
    card = console.page.get_by_role("article").filter(has_text=f"{name}-2")
    card.get_by_role("button", name=console.text(f"decision.{decision}"), exact=True).click()
    console.page.get_by_role("dialog").locator("button.primary").click()
    expect(console.shown(console.text(f"duplicates.decided.{decision}"))).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_collection_is_made_changed_and_deleted(
    browser: Browser, server: Server, operator_key: str, language: Language
) -> None:
    name = f"made-{language}"
    with opened(browser, server, language) as console:
        console.sign_in(operator_key, "collections")
        console.press("collections.make")
        console.page.get_by_role("dialog").get_by_role("textbox").fill(name)
        console.page.get_by_role("dialog").locator("button.primary").click()
        expect(console.heading("collection.title", collection=name)).to_be_focused()
        console.page.get_by_label(console.text("policy.flag"), exact=True).check()
        console.fill("most", "-1")
        console.press("save")
        expect(console.page.locator(".error-summary")).to_be_focused()
        console.fill("most", "2.5")
        console.page.locator("#threshold-balanced").fill("0.42")
        console.press("save")
        expect(console.shown(console.text("collection.saved", collection=name))).to_be_visible()
        with server.client(operator_key) as http:
            changed = ok(http.get(f"/admin/collections/{name}"))
        assert (changed["duplicatePolicy"], changed["maxFalseCandidates"]) == ("flag", 2.5)
        assert changed["ownThresholds"] == {"balanced": 0.42}
        console.press("collection.delete")
        console.fill("confirm.type", name, name=name)
        console.press("collection.delete.confirm", collection=name)
        expect(console.heading("collections.title")).to_be_focused()
    with server.client(operator_key) as http:
        assert http.get(f"/admin/collections/{name}").status_code == 404


def test_a_collection_that_somebody_else_has_made_keeps_its_settings(
    browser: Browser, server: Server, operator_key: str
) -> None:
    with opened(browser, server, "en") as console:
        console.sign_in(operator_key, "collections")
        name = put_collection(server, operator_key, "made-since", requireLiveness="both")
        console.press("collections.make")
        dialog = console.page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(name)
        dialog.locator("button.primary").click()
        expect(dialog.locator(".error-summary")).to_contain_text(
            console.text("collections.name.taken")
        )
    with server.client(operator_key) as http:
        assert ok(http.get(f"/admin/collections/{name}"))["requireLiveness"] == "both"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_is_made_and_revoked(
    browser: Browser, server: Server, operator_key: str, gallery: str, language: Language
) -> None:
    """Its secret is shown once; it opens what was chosen, until it is revoked."""
    name = f"door-{language}"
    with opened(browser, server, language) as console:
        console.sign_in(operator_key, "keys")
        console.press("keys.make")
        dialog = console.page.get_by_role("dialog")
        dialog.locator("#key-name").fill(name)
        dialog.get_by_label("verify", exact=True).check()
        dialog.get_by_label(gallery, exact=True).check()
        dialog.locator("button.primary").click()
        expect(console.heading("keys.secret.title", name=name)).to_be_focused()
        secret = console.page.get_by_label(console.text("keys.secret"), exact=True).input_value()
        assert _may_verify(server, secret, gallery)
        console.press("keys.secret.done")
        assert secret not in console.page.content()
        console.press("keys.revoke.confirm", name=name)
        console.page.get_by_role("dialog").locator("button.danger").click()
        expect(console.shown(console.text("keys.revoked_now", name=name))).to_be_visible()
        expect(console.page.get_by_role("rowheader", name=name, exact=True)).to_be_focused()
    assert not _may_verify(server, secret, gallery)


def _may_verify(server: Server, key: str, collection: str) -> bool:
    """By a call without a face, which comes so far only with a key that may."""
    with server.client(key) as http:
        answer: httpx.Response = http.post("/verify", json={"collection": collection})
    return answer.status_code == 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_that_do_not_open_the_console_are_told_why(
    browser: Browser, server: Server, installation: Installation, language: Language
) -> None:
    with opened(browser, server, language) as console:
        console.open()
        for key, code in (
            ("face_wrong", "unauthenticated"),
            (installation.key(Scope.VERIFY), "not_allowed"),
        ):
            console.fill("sign_in.key", key)
            console.press("sign_in.enter")
            expect(console.heading(f"problem.{code}.title")).to_be_visible()
            expect(console.page.locator(".error-summary")).to_be_focused()


def test_a_key_bound_to_a_collection_sees_no_more(
    browser: Browser, server: Server, installation: Installation, gallery: str
) -> None:
    bound = installation.key(Scope.ADMIN, collections=(gallery,))
    with opened(browser, server, "en") as console:
        console.sign_in(bound, "collections")
        expect(console.page.get_by_role("rowheader")).to_have_text([gallery])
        assert console.page.get_by_role("link", name=console.text("view.keys")).count() == 0
        assert console.button("collections.make").count() == 0


def test_key_of_the_address_is_taken_out_of_it_and_kept_nowhere(
    browser: Browser, server: Server, operator_key: str
) -> None:
    with opened(browser, server, "en") as console:
        console.page.goto(f"{server.url}/console#key={operator_key}&lang=en")
        console.heading("state.title").wait_for()
        assert operator_key not in console.page.url
        kept = "[localStorage.length, sessionStorage.length, document.cookie]"
        assert console.page.evaluate(kept) == [0, 0, ""]
        console.page.reload()
        expect(console.heading("sign_in.title")).to_be_visible()


def test_who_goes_back_to_a_page_that_was_left_has_no_key(
    browser: Browser, server: Server, operator_key: str
) -> None:
    """A browser that is driven by a program keeps no page: it is told as it would tell it."""
    with opened(browser, server, "en") as console:
        console.sign_in(operator_key)
        console.page.evaluate(
            "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
        )
        expect(console.heading("sign_in.title")).to_be_visible()


def test_view_that_there_is_not_shows_the_state(
    browser: Browser, server: Server, operator_key: str
) -> None:
    with opened(browser, server, "ko") as console:
        console.page.goto(f"{server.url}/console#key={operator_key}&lang=ko&view=constructor")
        expect(console.heading("state.title")).to_be_visible()
