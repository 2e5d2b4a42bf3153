"""What a route asks for before its body: who calls and may they, in which collection, which language.

`/admin` is for callers with the scope `admin`: `AdminCaller`; where it concerns all collections, for those
that are bound to none: `EveryCollectionCaller`. A route that is about one collection asks
for it by `QueryCollection` or `PathCollection`, or has it in its body, where `request_body.face_request_of`
makes the same check: the caller has to be let in there.

And what every route asks for: that its query parameters are known. FastAPI passes over those that no
route has, or that are given twice: `DELETE …?colection=race` would delete from `default`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Path, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from service.api.concurrency import Concurrency, ConcurrencyLimit, address_of, forwarding_header
from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, MOST_TOLD, unknown
from service.api.models import CollectionName
from service.api.protocol import sent
from service.api.rate_limits import RateLimits
from service.api.settings import ApiSettings
from service.domain.callers import OPEN_KIOSK, OPEN_MONITOR, Caller, Scope
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.errors import FieldProblem, InvalidRequest, NotAllowed, Unauthenticated
from service.telemetry.metrics import Metrics
from service.texts import Language
from service.usecases.use_cases import UseCases

MOST_LANGUAGE_CHARACTERS = 256
"""Read of what a caller prefers; browsers send a fifth of it. It is read for every answer."""

_QVALUE = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)

MOST_QUERY_BYTES = 4096
"""Three times what the longest, those of the audit log, have when every character is escaped."""

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
    """A dependency: the caller, once known to hold one of `scopes`. It runs before a body is read.

    Every route has exactly one, or is among the pages that are open to all: a test walks the
    routes and looks for it.
    """

    def __init__(self, *scopes: Scope, keyless: Keyless = _nobody, places: Places = _calls) -> None:
        self.scopes = scopes
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
        if not any(map(caller.may, self.scopes)):
            raise NotAllowed(scope="/".join(self.scopes))
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


def _needs(guard: CallerWith) -> Any:  # noqa: ANN401 - as FastAPI has it
    """`guard` as a dependency whose scopes stand in the documentation."""
    return Security(guard, scopes=[*guard.scopes])


TokenCaller = Annotated[Caller, _needs(CallerWith(Scope.TOKEN, keyless=_open_kiosk))]
CheckCaller = Annotated[Caller, _needs(CallerWith(Scope.TOKEN, Scope.ENROLL, Scope.VERIFY))]
EnrollCaller = Annotated[Caller, _needs(CallerWith(Scope.ENROLL))]
VerifyCaller = Annotated[Caller, _needs(CallerWith(Scope.VERIFY))]
SearchCaller = Annotated[Caller, _needs(CallerWith(Scope.SEARCH))]
LivenessCaller = Annotated[Caller, _needs(CallerWith(Scope.VERIFY, Scope.ENROLL, Scope.SEARCH))]
AdminCaller = Annotated[Caller, _needs(CallerWith(Scope.ADMIN))]
MetricsCaller = Annotated[
    Caller, _needs(CallerWith(Scope.ADMIN, keyless=_open_monitor, places=_scrapes))
]


def _in_query(
    caller: AdminCaller, collection: Annotated[CollectionName, Query()] = DEFAULT_COLLECTION
) -> str:
    caller.require_collection(collection)
    return collection


def _in_path(caller: AdminCaller, collection: Annotated[CollectionName, Path()]) -> str:
    caller.require_collection(collection)
    return collection


def _of_every_collection(caller: AdminCaller) -> Caller:
    caller.require_every_collection()
    return caller


EveryCollectionCaller = Annotated[Caller, Depends(_of_every_collection)]
QueryCollection = Annotated[str, Depends(_in_query)]
PathCollection = Annotated[str, Depends(_in_path)]


# FastAPI runs a `def` in a worker thread, and the way there and back costs more than these: so they
# are asynchronous, though nothing is waited for.


async def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


async def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def _language(request: Request) -> Language:
    return language_of(request)


AllUseCases = Annotated[UseCases, Depends(_use_cases)]
Settings = Annotated[ApiSettings, Depends(_settings)]
Counted = Annotated[Metrics, Depends(_metrics)]
CallersLanguage = Annotated[Language, Depends(_language)]


async def accept_language(
    accept_language: Annotated[  # `language_of` reads it, also where no route is
        str | None,
        Header(
            alias="Accept-Language",
            description="`ko` or `en`, for the sentences of the answer",
            examples=["en"],
        ),
    ] = None,
) -> None:
    """A dependency of the whole application, for its documentation: errors have sentences as well."""


def language_of(connection: HTTPConnection) -> Language:
    """The preferred one of Korean and English, or the service's own."""
    default: Language = connection.app.state.settings.language
    return preferred(connection.headers.get("accept-language", ""), default)


def preferred(accept_language: str, default: Language) -> Language:
    """RFC 9110, 12.5.4, for two languages: the highest weight, at equal weight the first named.

    >>> preferred("fr, en;q=0.8, ko;q=0.3", "ko")
    'en'
    """
    best: Language = default
    best_weight = 0.0
    for choice in accept_language[:MOST_LANGUAGE_CHARACTERS].split(","):
        tag, _, parameters = choice.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if weight <= best_weight:
            continue
        if primary == "ko":
            best, best_weight = "ko", weight
        elif primary == "en":
            best, best_weight = "en", weight
    return best


def _weight(parameters: str) -> float:
    """0 to 1; 0, which is not wanted, for what is no weight (RFC 9110, 12.4.2)."""
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    return float(value) if _QVALUE.fullmatch(value.strip()) else 0.0


async def require_known_query(request: Request) -> None:
    """A dependency of the whole application. Raises `InvalidRequest`."""
    if not request.scope["query_string"]:
        return
    if len(request.scope["query_string"]) > MOST_QUERY_BYTES:
        allowed = {"longest": f"{MOST_QUERY_BYTES} B"}
        raise InvalidRequest(
            [{"field": "query", "problem": FieldProblem.TOO_LONG, "allowed": allowed}]
        )
    known = _parameters(request)
    given = Counter(name for name, _ in request.query_params.multi_items())
    problems = [_unknown(name, known, request.method) for name in given if name not in known]
    problems += [
        {"field": name[:MOST_CHARACTERS_OF_A_NAME], "problem": FieldProblem.REPEATED}
        for name, times in given.items()
        if name in known and times > 1
    ]
    if problems:
        raise InvalidRequest(problems[:MOST_TOLD])


def _unknown(name: str, known: Collection[str], method: str) -> Mapping[str, Any]:
    """What a call with a body is given as a query by mistake has a right place, if not a right name."""
    if known or method not in ("POST", "PUT", "PATCH"):
        return unknown(name, known)
    return {"field": name[:MOST_CHARACTERS_OF_A_NAME], "problem": FieldProblem.NOT_IN_QUERY}


def _parameters(request: Request) -> set[str]:
    """Those that the OpenAPI document gives this call; its pages, which are not in it, have none."""
    calls = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    parameters = calls.get(request.method.lower(), {}).get("parameters", ())
    return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
