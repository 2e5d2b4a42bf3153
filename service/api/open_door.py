"""Where a call comes from, and what it says of its way here.

The door for programs of this machine, which need no key where that was allowed.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Callable, Iterable

from fastapi import Request

from service.api.process_owner import End, name_of, number_of, owner_of, this_user
from service.domain.errors import Shut, ShutCause

logger = logging.getLogger(__name__)

_FORWARDING_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-host",
        "x-original-url",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
    }
)
_FORWARDING_PREFIX = "x-forwarded-"

_ONE_CUSTOMER = 64
"""Bits of an IPv6 network."""


def address_of(request: Request) -> str:
    """Where the call comes from, as it is counted: behind a proxy that is the proxy.

    Not what a forwarding header says, which anybody can write.
    """
    return network_of(request.client.host if request.client else "")


def network_of(host: str) -> str:
    """The address itself, or of an IPv6 address its /64 network, which is what one customer of a
    provider is given (RFC 6177): the rest they choose freely.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a socket's file, which has no address
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _ONE_CUSTOMER), strict=False))


def forwarding_header(request: Request) -> str | None:
    """The first header that only a proxy writes, in small letters; None where there is none."""
    names = request.headers.keys()
    return next(
        (
            name
            for name in names
            if name in _FORWARDING_HEADERS or name.startswith(_FORWARDING_PREFIX)
        ),
        None,
    )


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


SECONDS_BETWEEN_WORDS = 60.0
"""The log says once in that time why the door stayed shut, for each cause."""

_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII
)


class OpenDoor:
    """Opens for programs of the service's own user and of `users`, and of nobody else.

    Not for a proxy on the same machine, whose callers are anywhere: one that names them in a header
    is known by it, one that does not by its user, as web servers have users of their own. Not for a
    web page from elsewhere, which reaches loopback through the browser of somebody who sits here: it
    names another host (DNS rebinding) or another origin.
    """

    def __init__(
        self,
        users: Iterable[str] = (),
        owner: Callable[[End, End], str | None] = owner_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`users`: by name or number; who does not exist is nobody."""
        self._users = frozenset(
            {this_user()} | {number for each in users if (number := _known(each))}
        )
        self._owner = owner
        self._clock = clock
        self._told: dict[ShutCause, float] = {}

    def why_shut(self, request: Request) -> Shut | None:
        """None where it opens."""
        shut = _by_headers(request) or self._by_owner(request)
        if shut is not None:
            self._tell(shut)
        return shut

    def _by_owner(self, request: Request) -> Shut | None:
        """The last question, for it costs the most: a millisecond at 1,000 connections."""
        client, server = request.client, request.scope.get("server")
        if client is None or not server or not is_loopback(client.host):
            return Shut(ShutCause.OTHER_MACHINE)
        owner = self._owner((client.host, client.port), (server[0], server[1]))
        if owner is None:
            return Shut(ShutCause.UNKNOWN_USER)
        return None if owner in self._users else Shut(ShutCause.OTHER_USER, name_of(owner))

    def _tell(self, shut: Shut) -> None:
        now = self._clock()
        if now - self._told.get(shut.cause, -SECONDS_BETWEEN_WORDS) >= SECONDS_BETWEEN_WORDS:
            self._told[shut.cause] = now
            logger.warning(
                "the door for programs of this machine stayed shut: %s %s", *_words(shut)
            )


def _words(shut: Shut) -> tuple[str, str]:
    return shut.cause.value, shut.what


def _known(user: str) -> str | None:
    number = number_of(user)
    if number is None:
        logger.warning("open_tokens_users: there is no user %s here", user)
    return number


def _by_headers(request: Request) -> Shut | None:
    if header := forwarding_header(request):
        return Shut(ShutCause.FORWARDED, header)
    if not all(is_loopback(host) for host in _hosts(request)):
        return Shut(ShutCause.FOREIGN_NAME, "host")
    if not all(is_loopback(origin) for origin in _origins(request)):
        return Shut(ShutCause.FOREIGN_NAME, "origin")
    return None


def _hosts(request: Request) -> list[str]:
    """Not `request.url`: that has the server's own address where the header is malformed."""
    return [_host(given) for given in request.headers.getlist("host")] or [""]


def _origins(request: Request) -> list[str]:
    return [_host(given.partition("://")[2]) for given in request.headers.getlist("origin")]


def _host(authority: str) -> str:
    """The host of `host:port`; empty for anything else."""
    parts = _AUTHORITY.fullmatch(authority)
    return (parts["ipv6"] or parts["name"]) if parts else ""
