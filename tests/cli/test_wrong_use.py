"""What was wrong about a command's arguments, in the language of whoever typed them."""

from __future__ import annotations

import re

import pytest

from service.cli.wrong_use import sentence
from tests.cli.face import Face

HANGUL = re.compile("[가-힣]")

WRONG = {
    "no command": (("enrol",), "enroll"),
    "no command of a group": (("subjects", "lst"), "list"),
    "missing argument": (("enroll",), "SUBJECT"),
    "missing option": (("apikey", "create", "x"), "--scope"),
    "no option": (("enroll", "amy", "a.png", "--modee", "add"), "--mode"),
    "option without a value": (("subjects", "list", "--limit"), "--limit"),
    "too many": (("apikey", "list", "kiosk"), "kiosk"),
    "scope": (("apikey", "create", "x", "--scope", "verfy"), "'verify'"),
    "too small": (("subjects", "list", "--limit", "0"), "500"),
    "too large": (("subjects", "list", "--limit", "9999"), "500"),
    "no number": (("subjects", "list", "--limit", "many"), "--limit"),
    "no UUID": (("duplicates", "resolve", "first", "same_person"), "0d4c9d0a"),
    "no such file": (("enroll", "amy", "no-such.png"), "no-such.png"),
    "folder for a file": (("compare", ".", "."), "."),
    "name": (("subjects", "show", ".."), "_ : @ -"),
    "profile": (("verify", "amy", "a.png", "--profile", "a/b"), "--profile"),
    "date": (("audit", "list", "--since", "soon"), "2026-01-31T09:00"),
    "duration": (("apikey", "create", "x", "--scope=token", "--expires=soon"), "30d"),
    "checkpoint": (("audit", "verify", "--expect", "7"), "face audit verify"),
    "nothing to look at": (("verify", "amy"), "--camera"),
}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_use_names_what_is_allowed_in_the_callers_language(
    bare: Face, wrong: str, language: str
) -> None:
    (arguments, allowed) = WRONG[wrong]
    refused = bare(*arguments, FACE_LANGUAGE=language)
    assert (refused.status, refused.out) == (2, "")
    assert allowed in refused.err
    assert bool(HANGUL.search(refused.err)) is (language == "ko")
    assert "Invalid value" not in refused.err


@pytest.mark.parametrize("port", ["-1", "99999"])
def test_number_out_of_range_tells_both_bounds(bare: Face, port: str) -> None:
    for refused in (bare("server", f"--port={port}"), bare("doctor", FACE_SERVER_PORT=port)):
        assert refused.status == 2
        assert "0 이상 65535 이하" in refused.err


def test_unknown_sentence_is_shown_as_it_is() -> None:
    assert sentence("Something new.", "ko") == "Something new."


@pytest.mark.parametrize(
    ("given", "korean"),
    [
        ({}, True),
        ({"LC_ALL": "", "LANG": "C.UTF-8"}, True),
        ({"LC_ALL": "", "LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "", "LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "de_DE.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"LC_ALL": "en_US.UTF-8", "FACE_LANGUAGE": "ko"}, True),
        ({"LC_ALL": "ko_KR.UTF-8", "FACE_LANGUAGE": "en"}, False),
    ],
    ids=str,
)
def test_language_is_the_settings_or_the_terminals(
    bare: Face, given: dict[str, str], korean: bool
) -> None:
    assert bool(HANGUL.search(bare("enrol", **given).err)) is korean


def test_option_comes_before_the_setting(bare: Face) -> None:
    refused = bare("subjects", "show", "..", "--lang", "en", FACE_LANGUAGE="ko")
    assert not HANGUL.search(refused.err)


def test_wrong_setting_is_told_what_is_allowed(bare: Face) -> None:
    refused = bare("apikey", "list", FACE_LANGUAGE="de")
    assert refused.status == 2
    assert refused.err == "FACE_LANGUAGE: 다음 중 하나여야 합니다: 'ko', 'en'.\n"


@pytest.mark.parametrize("group", ["apikey", "collections", "subjects"])
def test_group_alone_shows_its_help(bare: Face, group: str) -> None:
    shown = bare(group)
    assert shown.status == 2
    assert "Commands:" in shown.err
