"""Who makes a call, and may they? Each route asks for its caller by the scope that it needs.

`/admin` is for callers with the scope `admin`: `AdminCaller`. A route that is about one collection asks
for it by `QueryCollection` or `PathCollection`, or has it in its body, where `request_body.body_of`
makes the same check: the caller has to be let in there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Path, Query, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from service.api.concurrency import Concurrency, ConcurrencyLimit, address_of, forwarding_header
from service.api.models import CollectionName
from service.api.protocol import sent
from service.api.rate_limits import RateLimits
from service.domain.callers import OPEN_KIOSK, OPEN_MONITOR, Caller, Scope
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.errors import Unauthenticated

_bearer = HTTPBearer(auto_error=False, description="An API key made by `face apikey create`.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key.")

BearerKey = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
HeaderKey = Annotated[str | None, Depends(_header)]

Keyless = Callable[[Request], Caller]
"""Who a caller without a key is. Raises `Unauthenticated`."""


def _nobody(_: Request) -> Caller:
    raise Unauthenticated


Places = Callable[[Concurrency], ConcurrencyLimit]
"""Among which of the process's places a call has its own."""


def _calls(concurrency: Concurrency) -> ConcurrencyLimit:
    return concurrency.calls


def _scrapes(concurrency: Concurrency) -> ConcurrencyLimit:
    return concurrency.scrapes


class CallerWith:
    """A dependency: the caller, once known to hold `scope`. It runs before a body is read.

    Every route has exactly one, or is among the pages that are open to all: a test walks the
    routes and looks for it.
    """

    def __init__(self, scope: Scope, keyless: Keyless = _nobody, places: Places = _calls) -> None:
        self.scope = scope
        self._keyless = keyless
        self._places = places

    async def __call__(
        self, request: Request, bearer: BearerKey, header: HeaderKey
    ) -> AsyncIterator[Caller]:
        """With a place among the calls at work, until the answer is on its way."""
        presented = bearer.credentials if bearer else header
        concurrency: Concurrency = request.app.state.concurrency
        address = address_of(request)
        with concurrency.authentications.place(address):
            admitted = partial(self._admitted, request, presented)
            caller = await run_sync(admitted, limiter=concurrency.authentication_threads)
        with (
            self._places(concurrency).place(address, caller.name),
            concurrency.bodies.share(caller.name) as share,
        ):
            request.state.body_share = share
            yield caller
            await sent(request.scope)

    def _admitted(self, request: Request, presented: str | None) -> Caller:
        limits: RateLimits = request.app.state.rate_limits
        address = address_of(request)
        limits.note_proxy(forwarding_header(request))
        try:
            caller = self._authenticated(request, presented)
        except Unauthenticated:
            limits.note_failure(address)
            raise
        request.state.caller = caller
        limits.admit(caller.name, address)
        caller.require(self.scope)
        return caller

    def _authenticated(self, request: Request, presented: str | None) -> Caller:
        if presented is None:
            return self._keyless(request)
        caller: Caller = request.app.state.use_cases.api_keys.authenticate(presented)
        return caller


def _open_kiosk(request: Request) -> Caller:
    """The classic kiosk, which makes tokens without a key where that was allowed."""
    return _of_this_machine(request, OPEN_KIOSK, allowed=request.app.state.settings.open_tokens)


def _open_monitor(request: Request) -> Caller:
    """This machine's monitoring, which reads metrics without a key where that was allowed."""
    return _of_this_machine(request, OPEN_MONITOR, allowed=request.app.state.settings.open_metrics)


def _of_this_machine(request: Request, caller: Caller, *, allowed: bool) -> Caller:
    """Raises `Unauthenticated`, which says why where the door is open to others."""
    if not allowed:
        raise Unauthenticated
    if shut := request.app.state.open_door.why_shut(request):
        raise Unauthenticated(shut)
    return caller


TokenCaller = Annotated[Caller, Depends(CallerWith(Scope.TOKEN, _open_kiosk))]
EnrollCaller = Annotated[Caller, Depends(CallerWith(Scope.ENROLL))]
VerifyCaller = Annotated[Caller, Depends(CallerWith(Scope.VERIFY))]
SearchCaller = Annotated[Caller, Depends(CallerWith(Scope.SEARCH))]
AdminCaller = Annotated[Caller, Depends(CallerWith(Scope.ADMIN))]
MetricsCaller = Annotated[Caller, Depends(CallerWith(Scope.ADMIN, _open_monitor, _scrapes))]


def _in_query(
    caller: AdminCaller, collection: Annotated[CollectionName, Query()] = DEFAULT_COLLECTION
) -> str:
    caller.require_collection(collection)
    return collection


def _in_path(caller: AdminCaller, collection: Annotated[CollectionName, Path()]) -> str:
    caller.require_collection(collection)
    return collection


QueryCollection = Annotated[str, Depends(_in_query)]
PathCollection = Annotated[str, Depends(_in_path)]
