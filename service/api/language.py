"""Which language the caller reads."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection

from service.texts import Language

MOST_CHARACTERS = 256
"""Read of what a caller prefers; browsers send a fifth of it. It is read for every answer."""

_QVALUE = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)


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
    for choice in accept_language[:MOST_CHARACTERS].split(","):
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
