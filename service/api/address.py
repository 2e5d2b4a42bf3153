"""Where a call comes from, and what it says of its way here."""

from __future__ import annotations

import ipaddress

from fastapi import Request

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
