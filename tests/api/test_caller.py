"""What counts as this machine."""

from __future__ import annotations

import pytest
from fastapi import Request

from service.api.caller import comes_from_this_machine, is_loopback

LOCAL = "127.0.0.1"


def request(client: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    peer = (client, 50000) if client is not None else None
    return Request({"type": "http", "client": peer, "headers": raw})


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
    assert comes_from_this_machine(request(LOCAL, ("Host", "localhost:23535")))
    assert comes_from_this_machine(request("::1", ("Host", "[::1]:23535")))


@pytest.mark.parametrize("client", ["192.168.0.7", "", None])
def test_program_of_another_machine(client: str | None) -> None:
    assert not comes_from_this_machine(request(client, ("Host", "localhost")))


def test_call_that_names_no_host() -> None:
    assert not comes_from_this_machine(request(LOCAL))


def test_call_that_names_two_hosts() -> None:
    hosts = [("Host", "localhost"), ("Host", "faces.example")]
    assert not comes_from_this_machine(request(LOCAL, *hosts))
    assert not comes_from_this_machine(request(LOCAL, *reversed(hosts)))


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "Via",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Anything",
    ],
)
def test_forwarded_call(name: str) -> None:
    assert not comes_from_this_machine(request(LOCAL, ("Host", "localhost"), (name, LOCAL)))
