"""What routes ask for beside their caller and body: use cases, settings, the caller's language.

And what every route asks for: that its query parameters are known. FastAPI passes over those that no
route has, or that are given twice: `DELETE …?colection=race` would delete from `default`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, MOST_TOLD, unknown
from service.api.settings import ApiSettings
from service.domain.errors import FieldProblem, InvalidRequest
from service.telemetry.metrics import Metrics
from service.texts import Language
from service.usecases.use_cases import UseCases

MOST_LANGUAGE_CHARACTERS = 256
"""Read of what a caller prefers; browsers send a fifth of it. It is read for every answer."""

_QVALUE = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)

MOST_QUERY_BYTES = 4096
"""Three times what the longest, those of the audit log, have when every character is escaped."""


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
    if known or method not in ("POST", "PUT"):
        return unknown(name, known)
    return {"field": name[:MOST_CHARACTERS_OF_A_NAME], "problem": FieldProblem.NOT_IN_QUERY}


def _parameters(request: Request) -> set[str]:
    """Those that the OpenAPI document gives this call; its pages, which are not in it, have none."""
    calls = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    parameters = calls.get(request.method.lower(), {}).get("parameters", ())
    return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
