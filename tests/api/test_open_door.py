"""For whom the door for programs of this machine opens, and what is said where it does not."""

from __future__ import annotations

import logging

import pytest
from fastapi import Request

from service.api.concurrency import forwarding_header
from service.api.open_door import (
    SECONDS_BETWEEN_WORDS,
    End,
    OpenDoor,
    is_loopback,
    number_of,
    this_user,
)
from service.domain.errors import Shut, ShutCause

LOCAL, SERVER = "127.0.0.1", ("127.0.0.1", 23535)
HERE = ("Host", "localhost")
OTHER, NEIGHBOR = "4242", "4343"


def request(client: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    peer = (client, 50000) if client is not None else None
    return Request({"type": "http", "client": peer, "server": SERVER, "headers": raw})


def door(owner: str | None, *users: str) -> OpenDoor:
    """Where whoever calls is `owner`."""
    return OpenDoor(users, owner=lambda *_: owner)


def cause(client: str | None, *headers: tuple[str, str]) -> str | None:
    shut = door(this_user()).why_shut(request(client, *headers))
    return f"{shut.cause} {shut.what}".strip() if shut else None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LocalHost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example", "127.1", "[::1]"],
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_program_of_this_machine() -> None:
    assert cause(LOCAL, ("Host", "localhost:23535")) is None
    assert cause("::1", ("Host", "[::1]:23535")) is None


@pytest.mark.parametrize("client", ["192.168.0.7", "172.17.0.1", "", None])
def test_program_of_another_machine_or_container(client: str | None) -> None:
    assert cause(client, HERE) == "other_machine"


def test_call_that_names_no_host() -> None:
    assert cause(LOCAL) == "foreign_name host"


def test_call_that_names_two_hosts() -> None:
    hosts = [HERE, ("Host", "faces.example")]
    assert cause(LOCAL, *hosts) == "foreign_name host"
    assert cause(LOCAL, *reversed(hosts)) == "foreign_name host"


def test_page_from_elsewhere() -> None:
    assert cause(LOCAL, HERE, ("Origin", "https://faces.example")) == "foreign_name origin"


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "Via",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Anything",
        "CF-Connecting-IP",
    ],
)
def test_forwarded_call(name: str) -> None:
    assert cause(LOCAL, HERE, (name, LOCAL)) == f"forwarded {name.lower()}"


def test_call_of_no_proxy_has_no_forwarding_header() -> None:
    assert forwarding_header(request(LOCAL, HERE, ("Accept", "*/*"))) is None


def test_program_of_another_user() -> None:
    shut = door(OTHER).why_shut(request(LOCAL, HERE))
    assert shut == Shut(ShutCause.OTHER_USER, OTHER)


def test_program_of_a_user_who_is_allowed() -> None:
    assert door(OTHER, OTHER).why_shut(request(LOCAL, HERE)) is None
    assert door(NEIGHBOR, OTHER).why_shut(request(LOCAL, HERE)) is not None


def test_user_is_allowed_by_name() -> None:
    root = number_of("root")
    assert root == "0"
    assert door(root, "root").why_shut(request(LOCAL, HERE)) is None


def test_program_of_who_knows_whom() -> None:
    shut = door(None, OTHER).why_shut(request(LOCAL, HERE))
    assert shut == Shut(ShutCause.UNKNOWN_USER)


def test_user_who_does_not_exist_opens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    shut = door(None, "nobody-of-this-name").why_shut(request(LOCAL, HERE))
    assert shut == Shut(ShutCause.UNKNOWN_USER)
    assert "nobody-of-this-name" in caplog.text


def test_owner_is_asked_for_the_very_connection() -> None:
    asked: list[tuple[End, End]] = []

    def owner(client: End, server: End) -> str | None:
        asked.append((client, server))
        return this_user()

    assert OpenDoor(owner=owner).why_shut(request(LOCAL, HERE)) is None
    assert asked == [((LOCAL, 50000), SERVER)]


def test_log_says_once_a_minute_why_it_stayed_shut(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    shut = OpenDoor(owner=lambda *_: OTHER, clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            shut.why_shut(request(LOCAL, HERE))
            shut.why_shut(request(LOCAL, HERE, ("Via", "1.1 proxy")))
    assert [record.getMessage().split("shut: ")[1] for record in caplog.records] == [
        f"other_user {OTHER}",
        "forwarded via",
    ]
    now[0] = SECONDS_BETWEEN_WORDS
    shut.why_shut(request(LOCAL, HERE))
    assert len(caplog.records) == 3
