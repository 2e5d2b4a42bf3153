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

_bearer = HTTPBearer(auto_error=False, description="An API key made by `face apikey create`.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key.")

BearerKey = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
HeaderKey = Annotated[str | None, Depends(_header)]

FORWARDING_HEADERS = ("forwarded", "via", "x-real-ip")
FORWARDING_PREFIX = "x-forwarded-"

_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII
)


Keyless = Callable[[Request], Caller | None]
"""Who a caller without a key is; None: nobody."""


def caller_with(scope: Scope, keyless: Keyless = lambda _: None) -> Callable[..., Caller]:
    """A dependency: the caller, once known to hold `scope`. It runs before a body is read."""

    def authenticated(request: Request, bearer: BearerKey, header: HeaderKey) -> Caller:
        caller = _known(request, bearer, header) or keyless(request)
        if caller is None:
            raise Unauthenticated
        request.state.caller = caller
        caller.require(scope)
        return caller

    return authenticated


def _known(
    request: Request, bearer: HTTPAuthorizationCredentials | None, header: str | None
) -> Caller | None:
    """The holder of the presented key; None where none is presented."""
    presented = bearer.credentials if bearer else header
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


TokenCaller = Annotated[Caller, Depends(caller_with(Scope.TOKEN, _open_kiosk))]
EnrollCaller = Annotated[Caller, Depends(caller_with(Scope.ENROLL))]
VerifyCaller = Annotated[Caller, Depends(caller_with(Scope.VERIFY))]
SearchCaller = Annotated[Caller, Depends(caller_with(Scope.SEARCH))]
AdminCaller = Annotated[Caller, Depends(caller_with(Scope.ADMIN))]
MetricsCaller = Annotated[Caller, Depends(caller_with(Scope.ADMIN, _open_monitor))]
