"""Query parameters that no route has, or that are given twice, are refused before anything happens.

FastAPI passes over them: `DELETE …?colection=race` would delete from `default`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import Request

from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, MOST_TOLD, unknown
from service.domain.errors import InvalidRequest
from service.domain.field_problem import FieldProblem

MOST_BYTES = 4096
"""Three times what the longest, those of the audit log, have when every character is escaped."""


async def require_known_query(request: Request) -> None:
    """A dependency of the whole application. Raises `InvalidRequest`."""
    if not request.scope["query_string"]:
        return
    if len(request.scope["query_string"]) > MOST_BYTES:
        allowed = {"longest": f"{MOST_BYTES} B"}
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
