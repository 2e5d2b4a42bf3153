"""`face apikey`: the key alone on stdout, once."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import typer

from service.cli.keys import duration
from service.domain.errors import ApiKeyExists, ApiKeyNotFound
from tests.cli.face import MASTER_KEY, Face, call

KEY = re.compile(r"face_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n")


def test_create_prints_the_key_alone(bare_gallery: Face) -> None:
    outcome = bare_gallery("apikey", "create", "kiosk", "--scope", "enroll", "--scope", "verify")
    assert outcome.status == 0, outcome.err
    assert KEY.fullmatch(outcome.out)


def test_key_is_never_shown_again(bare_gallery: Face) -> None:
    key = bare_gallery("apikey", "create", "kiosk", "--scope=token", "--expires=30d").out.strip()
    listed = bare_gallery("apikey", "list", "--lang=en")
    assert re.search(r"kiosk +token +all +\d{4}-\d\d-\d\d .* UTC +- +valid", listed.out)
    assert key not in listed.out + listed.err
    assert key.split("_", 2)[2] not in listed.out


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """For commands of this process."""
    monkeypatch.setenv("FACE_DATABASE_URL", database_url)
    monkeypatch.setenv("FACE_MASTER_KEY", MASTER_KEY)


@pytest.mark.usefixtures("database")
def test_name_is_given_once() -> None:
    call("apikey", "create", "kiosk", "--scope=token")
    with pytest.raises(ApiKeyExists):
        call("apikey", "create", "kiosk", "--scope=token")


@pytest.mark.usefixtures("database")
def test_revoked_key_is_listed_as_not_valid() -> None:
    call("apikey", "create", "kiosk", "--scope=token")
    assert call("apikey", "revoke", "kiosk").status == 0
    assert "not valid" in call("apikey", "list", "--lang=en").out


@pytest.mark.usefixtures("database")
def test_unknown_name_cannot_be_revoked() -> None:
    with pytest.raises(ApiKeyNotFound):
        call("apikey", "revoke", "nobody")


@pytest.mark.usefixtures("database")
def test_list_is_told_to_programs_as_over_http() -> None:
    key = call("apikey", "create", "kiosk", "--scope=token").out.strip()
    listed = call("apikey", "list", "--json").out
    (row,) = json.loads(listed)["apiKeys"]
    assert (row["name"], row["scopes"], row["lastUsedAt"]) == ("kiosk", ["token"], None)
    assert key.split("_", 2)[2] not in listed


@pytest.mark.parametrize(
    "arguments",
    [
        ("kiosk",),
        ("kiosk", "--scope", "everything"),
        ("kiosk", "--scope", "token", "--expires", "soon"),
        ("a b", "--scope", "token"),
        ("kiosk", "--scope", "token", "--collection", "a/b"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_status_2_and_prints_no_key(arguments: tuple[str, ...]) -> None:
    outcome = call("apikey", "create", *arguments)
    assert (outcome.status, outcome.out) == (2, "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("8w", timedelta(weeks=8)),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, meant: timedelta) -> None:
    assert duration(text) == meant


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "1.5h", "30D", "30 d", "٣d", "30d\n"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)
