"""The fields of a row by the names that a file gives them.

The fields are those of `POST /enroll`, but that `images` are paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from service.domain.errors import InvalidRequest
from service.domain.messages import FieldProblem
from service.domain.names import MOST_CHARACTERS_OF_A_SUBJECT_ID, SIGNS

SUBJECT, IMAGES, EMBEDDING = "subjectId", "images", "embedding"
METADATA, EXPIRES, CONSENT = "metadata", "expiresAt", "consentReference"
FIELDS = frozenset({SUBJECT, IMAGES, EMBEDDING, METADATA, EXPIRES, CONSENT})

MOST_NAME_CHARACTERS = 64
"""Of an unknown field's name, as far as it is repeated."""

MOST_NAMES_SHOWN = 12

SUBJECT_ID_ALLOWED: Mapping[str, object] = {
    "longest": MOST_CHARACTERS_OF_A_SUBJECT_ID,
    "signs": " ".join("." + SIGNS),
}

_FOLDED = {name.lower(): name for name in FIELDS}


def field_named(name: str) -> str | None:
    """The field that a head's name means, also in other case, with spaces, `_` or `-`; None for none.

    >>> field_named(" Subject_ID")
    'subjectId'
    """
    return _FOLDED.get(re.sub(r"[\s_-]", "", name).lower())


def columns_of(names: Sequence[str]) -> list[str | None]:
    """The fields that a file's names mean, None for a column without a name. Raises `InvalidRequest`."""
    fields = [field_named(name) for name in names]
    if SUBJECT not in fields:
        raise invalid(SUBJECT, FieldProblem.MISSING, found=_shown_names(names))
    for name, field in zip(names, fields, strict=True):
        if field is None and name.strip():
            raise invalid(shown(name), FieldProblem.UNKNOWN, **nearest(name))
        if field is not None and fields.count(field) > 1:
            raise invalid(field, FieldProblem.REPEATED)
    return fields


def _shown_names(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names[:MOST_NAMES_SHOWN])


def nearest(name: str) -> dict[str, str]:
    if near := get_close_matches(name.strip(), sorted(FIELDS), n=1):
        return {"nearest": near[0]}
    return {"choices": ", ".join(sorted(FIELDS))}


def invalid(field: str, problem: FieldProblem, **allowed: object) -> InvalidRequest:
    return InvalidRequest([{"field": field, "problem": problem, "allowed": allowed}])


def shown(name: str) -> str:
    """Letters of any script; signs that would not be seen, or move a terminal's cursor, as escapes."""
    return repr(name[:MOST_NAME_CHARACTERS])[1:-1]
