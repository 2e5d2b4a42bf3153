"""Who makes this call, and may they?"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from service.domain.callers import OPEN_KIOSK, OPEN_MONITOR, Caller, Scope
from service.domain.errors import Unauthenticated
from service.usecases.limiting import CallLimits

_bearer = HTTPBearer(auto_error=False, description="An API key made by `face apikey create`.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key.")

BearerKey = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
HeaderKey = Annotated[str | None, Depends(_header)]

FORWARDING_HEADERS = ("forwarded", "via", "x-real-ip")
FORWARDING_PREFIX = "x-forwarded-"

_ONE_CUSTOMER = 64
"""Bits of an IPv6 network."""

_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII
)


Keyless = Callable[[Request], Caller | None]
"""Who a caller without a key is; None: nobody."""


class CallerWith:
    """A dependency: the caller, once known to hold `scope`. It runs before a body is read.

    Every route has exactly one, or is among the pages that are open to all: a test walks the
    routes and looks for it.
    """

    def __init__(self, scope: Scope, keyless: Keyless = lambda _: None) -> None:
        self.scope = scope
        self._keyless = keyless

    def __call__(self, request: Request, bearer: BearerKey, header: HeaderKey) -> Caller:
        presented = bearer.credentials if bearer else header
        limits: CallLimits = request.app.state.services.limits
        address = address_of(request)
        limits.admit(address)
        try:
            caller = self._authenticated(request, presented)
        except Unauthenticated:
            limits.note_failure(address)
            raise
        request.state.caller = caller
        limits.admit_key(caller.name)
        caller.require(self.scope)
        return caller

    def _authenticated(self, request: Request, presented: str | None) -> Caller:
        caller = _known(request, presented) or self._keyless(request)
        if caller is None:
            raise Unauthenticated
        return caller


def _known(request: Request, presented: str | None) -> Caller | None:
    """The holder of the presented key; None where none is presented."""
    if presented is None:
        return None
    caller: Caller = request.app.state.services.api_keys.authenticate(presented)
    return caller


def _open_kiosk(request: Request) -> Caller | None:
    """The classic kiosk, which makes tokens without a key where that was allowed."""
    is_open = request.app.state.settings.open_tokens
    return OPEN_KIOSK if is_open and comes_from_this_machine(request) else None


def _open_monitor(request: Request) -> Caller | None:
    """This machine's monitoring, which reads metrics without a key where that was allowed."""
    is_open = request.app.state.settings.open_metrics
    return OPEN_MONITOR if is_open and comes_from_this_machine(request) else None


def address_of(request: Request) -> str:
    """Where the call comes from, as it is counted: behind a proxy that is the proxy.

    Not what a forwarding header says, which anybody can write. Of an IPv6 address its /64 network,
    which is what one customer of a provider is given (RFC 6177): the rest they choose freely.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a socket's file, which has no address
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _ONE_CUSTOMER), strict=False))


def comes_from_this_machine(request: Request) -> bool:
    """A program of this machine, not a proxy in front of it and not a web page inside a browser.

    A proxy on the same machine also connects from a loopback address, so any sign of forwarding
    counts. A page from elsewhere reaches loopback through the user's browser: it names another
    host (DNS rebinding) or another origin.
    """
    names = request.headers.keys()
    if any(name in FORWARDING_HEADERS or name.startswith(FORWARDING_PREFIX) for name in names):
        return False
    return (
        is_loopback(request.client.host if request.client else "")
        and all(is_loopback(host) for host in _hosts(request))
        and all(is_loopback(origin) for origin in _origins(request))
    )


def _hosts(request: Request) -> list[str]:
    """Not `request.url`: that has the server's own address where the header is malformed."""
    return [_host(given) for given in request.headers.getlist("host")] or [""]


def _origins(request: Request) -> list[str]:
    return [_host(given.partition("://")[2]) for given in request.headers.getlist("origin")]


def _host(authority: str) -> str:
    """The host of `host:port`; empty for anything else."""
    parts = _AUTHORITY.fullmatch(authority)
    return (parts["ipv6"] or parts["name"]) if parts else ""


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


TokenCaller = Annotated[Caller, Depends(CallerWith(Scope.TOKEN, _open_kiosk))]
EnrollCaller = Annotated[Caller, Depends(CallerWith(Scope.ENROLL))]
VerifyCaller = Annotated[Caller, Depends(CallerWith(Scope.VERIFY))]
SearchCaller = Annotated[Caller, Depends(CallerWith(Scope.SEARCH))]
AdminCaller = Annotated[Caller, Depends(CallerWith(Scope.ADMIN))]
MetricsCaller = Annotated[Caller, Depends(CallerWith(Scope.ADMIN, _open_monitor))]
