"""From pydantic's findings to what is told of them: what is wrong where, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from service.api.models import Camel
from service.domain import identifiers
from service.domain.errors import FieldProblem, InvalidRequest

MOST_TOLD = 20
"""Of the findings of one request: who sends a thousand wrong fields mends them by the first."""

MOST_CHARACTERS_OF_A_NAME = 100
"""Of a field's name, which is the caller's own word where the field is unknown."""

_PROBLEMS: Mapping[str, FieldProblem] = {
    "missing": FieldProblem.MISSING,
    "extra_forbidden": FieldProblem.UNKNOWN,
    "json_invalid": FieldProblem.NOT_JSON,
    "one_source": FieldProblem.ONE_SOURCE,
    "base64_invalid": FieldProblem.NOT_BASE64,
    "bytes_type": FieldProblem.NOT_BASE64,
    "out_of_range": FieldProblem.OUT_OF_RANGE,
    "greater_than_equal": FieldProblem.OUT_OF_RANGE,
    "string_too_long": FieldProblem.TOO_LONG,
    "too_long": FieldProblem.TOO_LONG,
    "metadata_too_long": FieldProblem.TOO_LONG,
    "string_too_short": FieldProblem.TOO_SHORT,
    "too_short": FieldProblem.TOO_SHORT,
    "string_type": FieldProblem.NOT_TEXT,
    "string_unicode": FieldProblem.NOT_UTF_8,
    "int_type": FieldProblem.NOT_INTEGER,
    "int_parsing": FieldProblem.NOT_INTEGER,
    "int_from_float": FieldProblem.NOT_INTEGER,
    "float_type": FieldProblem.NOT_NUMBER,
    "float_parsing": FieldProblem.NOT_NUMBER,
    "list_type": FieldProblem.NOT_LIST,
    "dict_type": FieldProblem.NOT_OBJECT,
    "model_type": FieldProblem.NOT_OBJECT,
    "enum": FieldProblem.NOT_A_CHOICE,
    "literal_error": FieldProblem.NOT_A_CHOICE,
    "string_pattern_mismatch": FieldProblem.NOT_A_NAME,
    "moment_invalid": FieldProblem.NOT_A_MOMENT,
    "datetime_parsing": FieldProblem.NOT_A_MOMENT,
    "datetime_from_date_parsing": FieldProblem.NOT_A_MOMENT,
    "timezone_aware": FieldProblem.NOT_A_MOMENT,
    "uuid_parsing": FieldProblem.NOT_A_UUID,
    "uuid_type": FieldProblem.NOT_A_UUID,
    "not_printable": FieldProblem.NOT_PRINTABLE,
}

_BOUNDS = {"ge": "least", "le": "most", "max_length": "longest", "min_length": "shortest"}
"""Names of pydantic for what is allowed, and ours."""

_NAMES: Mapping[str, Mapping[str, object]] = {
    f"^{pattern}$": {"longest": most, "signs": " ".join("." + signs)}
    for pattern, (most, signs) in identifiers.ALLOWED.items()
}


def invalid_request(
    errors: Sequence[ErrorDetails], shape: type[Camel] | None = None
) -> InvalidRequest:
    """Pydantic's findings without the values, which may be faces or names.

    `shape`: of the body, whose names are proposed in place of unknown ones.
    """
    return InvalidRequest([_particular(each, shape) for each in errors[:MOST_TOLD]])


def unknown(name: str, known: Iterable[str]) -> Mapping[str, Any]:
    """The particular of a name that does not exist, with the nearest one that does, if any is."""
    shown, known = name[:MOST_CHARACTERS_OF_A_NAME], sorted(known)
    allowed: dict[str, object] = {}
    if nearest := difflib.get_close_matches(shown, known, n=1):
        allowed["nearest"] = nearest[0]
    elif known:
        allowed["choices"] = ", ".join(known)
    return {"field": shown, "problem": FieldProblem.UNKNOWN, "allowed": allowed}


def _particular(error: ErrorDetails, shape: type[Camel] | None) -> Mapping[str, Any]:
    problem = _PROBLEMS.get(error["type"], FieldProblem.INVALID)
    field = _field(error["loc"])
    if problem is FieldProblem.UNKNOWN and shape is not None:
        *place, name = error["loc"]
        return {**unknown(str(name), _names_at(shape, place)), "field": field}
    if allowed := _allowed(error.get("ctx", {})):
        return {"field": field, "problem": problem, "allowed": allowed}
    return {"field": field, "problem": problem}


def _field(location: Sequence[int | str]) -> str:
    """`subjectId`, `camera.maxFrames`; the names of unknown fields are the caller's own words."""
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts)[:MOST_CHARACTERS_OF_A_NAME]


def _allowed(context: Mapping[str, Any]) -> dict[str, object]:
    allowed = {ours: context[theirs] for theirs, ours in _BOUNDS.items() if theirs in context}
    if "expected" in context:  # 'create', 'add' or 'replace'
        allowed["choices"] = ", ".join(re.findall("'([^']*)'", str(context["expected"])))
    if "pattern" in context:
        allowed |= _NAMES.get(context["pattern"], {"form": context["pattern"]})
    return allowed


def _names_at(shape: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Of the fields of `shape`, or of what it has at `place`."""
    for part in place:
        inner = [field for field in shape.model_fields.values() if field.alias == part]
        shapes = [one for field in inner for one in get_args(field.annotation) if _is_shape(one)]
        if not shapes:
            return []
        shape = shapes[0]
    return [field.alias or name for name, field in shape.model_fields.items()]


def _is_shape(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
