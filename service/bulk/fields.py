"""A row's fields, by the names that a file gives them, become a person to enroll, or why not.

They are those of `POST /enroll`, but that `images` are paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from service.domain.bulk import BulkRow, Place, RefusedRow, Row
from service.domain.errors import FieldProblem, InvalidEmbedding, InvalidRequest
from service.domain.face import GivenEmbedding, ImageFiles
from service.domain.identifiers import (
    MOST_CHARACTERS_OF_A_SUBJECT_ID,
    MOST_METADATA_BYTES,
    MOST_REFERENCE_CHARACTERS,
    SIGNS,
    SUBJECT_ID,
    is_moment,
    is_reference,
    metadata_fits,
)

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


def field_named(name: str, fields: Iterable[str] = FIELDS) -> str | None:
    """The field that a head's name means, also in other case, with spaces, `_` or `-`; None for none.

    >>> field_named(" Subject_ID")
    'subjectId'
    """
    folded = re.sub(r"[\s_-]", "", name).lower()
    return next((field for field in fields if field.lower() == folded), None)


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


_IMAGES_ALLOWED = {"form": 'a.jpg | ["a.jpg", "b.jpg"]'}

Value = TypeVar("Value")


class _Wrong(Exception):
    """A field's value is not what it should be."""

    def __init__(self, problem: FieldProblem, **allowed: object) -> None:
        super().__init__(problem)
        self.problem = problem
        self.allowed = allowed


def row_of(place: Place, fields: Mapping[str, object], folder: Path) -> BulkRow:
    """`fields`: None and empty text are as good as absent. `folder`: where paths start from.

    Every field that is wrong is named in the refusal.
    """
    reading = _Reading(fields)
    subject_id = reading.take(SUBJECT, _subject_id, needed=True)
    try:
        source = _source(reading, folder)
    except InvalidEmbedding as error:
        return RefusedRow(place, error, subject_id)
    terms = _terms(reading)
    if reading.problems or subject_id is None or source is None:
        return RefusedRow(place, InvalidRequest(reading.problems), subject_id)
    said = terms.metadata, terms.expires_at, terms.consent_reference
    return Row(place, subject_id, source, *said)


@dataclass(frozen=True, slots=True, repr=False)
class GivenTerms:
    """What is said about somebody beside their face, None for what is not; as `EnrollRequest` has it."""

    metadata: Mapping[str, Any] | None
    expires_at: datetime | None
    consent_reference: str | None


def terms_of(fields: Mapping[str, object]) -> GivenTerms:
    """`fields`: those of the terms, as for `row_of`. Raises `InvalidRequest`, which names each that is wrong."""
    reading = _Reading(fields)
    terms = _terms(reading)
    if reading.problems:
        raise InvalidRequest(reading.problems)
    return terms


def malformed(place: Place, problem: FieldProblem, **allowed: object) -> RefusedRow:
    """A row of which no field can be read."""
    return RefusedRow(place, invalid(str(place.unit), problem, **allowed))


class _Reading:
    """The fields of one row, and what is wrong with them."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = {name: value for name, value in fields.items() if not _is_absent(value)}
        self.problems = [
            {"field": shown(name), "problem": FieldProblem.UNKNOWN, "allowed": nearest(name)}
            for name in self._fields
            if name not in FIELDS
        ]

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def take(
        self, name: str, read: Callable[[object], Value], *, needed: bool = False
    ) -> Value | None:
        """None where it is absent, or wrong."""
        if name not in self._fields:
            if needed:
                self.note(name, FieldProblem.MISSING)
            return None
        try:
            return read(self._fields[name])
        except _Wrong as wrong:
            self.note(name, wrong.problem, **wrong.allowed)
            return None

    def note(self, name: str, problem: FieldProblem, **allowed: object) -> None:
        self.problems.append({"field": name, "problem": problem, "allowed": allowed})


def _terms(reading: _Reading) -> GivenTerms:
    return GivenTerms(
        reading.take(METADATA, _metadata),
        reading.take(EXPIRES, _moment),
        reading.take(CONSENT, _reference),
    )


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _source(reading: _Reading, folder: Path) -> ImageFiles | GivenEmbedding | None:
    """Raises `InvalidEmbedding` for what is no list of numbers."""
    if IMAGES in reading and EMBEDDING in reading:
        reading.note(IMAGES, FieldProblem.ONE_SOURCE, choices=f"{EMBEDDING}, {IMAGES}")
        return None
    if EMBEDDING in reading:
        numbers = reading.take(EMBEDDING, _numbers)
        return None if numbers is None else GivenEmbedding(numbers)
    paths = reading.take(IMAGES, _paths, needed=True)
    return None if paths is None else ImageFiles([str(folder / path) for path in paths])


def _subject_id(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(SUBJECT_ID, value):
        raise _Wrong(FieldProblem.NOT_A_NAME, **SUBJECT_ID_ALLOWED)
    return value


def _paths(value: object) -> list[str]:
    """One path, or a list of paths: of JSON, or a text that is such a list."""
    listed = _parsed(value) if isinstance(value, str) and value.startswith("[") else value
    paths = [listed] if isinstance(listed, str) else listed
    if not isinstance(paths, list) or not paths:
        raise _Wrong(FieldProblem.INVALID, **_IMAGES_ALLOWED)
    if not all(isinstance(path, str) and path and "\0" not in path for path in paths):
        raise _Wrong(FieldProblem.INVALID, **_IMAGES_ALLOWED)
    return paths


def _numbers(value: object) -> NDArray[np.float64]:
    """Any number of numbers: how many there must be, and of which length, the model says."""
    if isinstance(value, np.ndarray):
        return value
    listed = _parsed(value) if isinstance(value, str) else value
    if not isinstance(listed, list) or not set(map(type, listed)) <= {float, int}:
        raise InvalidEmbedding
    try:
        return np.asarray(listed, np.float64)
    except OverflowError:
        raise InvalidEmbedding from None


def _metadata(value: object) -> Mapping[str, Any]:
    metadata = _parsed(value) if isinstance(value, str) else value
    if not isinstance(metadata, dict):
        raise _Wrong(FieldProblem.NOT_OBJECT)
    try:
        if metadata_fits(metadata):
            return metadata
    except ValueError:  # NaN, or half of a surrogate pair
        raise _Wrong(FieldProblem.NOT_JSON) from None
    raise _Wrong(FieldProblem.TOO_LONG, longest=MOST_METADATA_BYTES)


def _moment(value: object) -> datetime:
    moment = value
    if isinstance(value, str):
        if not is_moment(value):
            raise _Wrong(FieldProblem.NOT_A_MOMENT)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:  # the 30th of February
            raise _Wrong(FieldProblem.NOT_A_MOMENT) from None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise _Wrong(FieldProblem.NOT_A_MOMENT)
    return moment


def _reference(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong(FieldProblem.NOT_TEXT)
    if len(value) > MOST_REFERENCE_CHARACTERS:
        raise _Wrong(FieldProblem.TOO_LONG, longest=MOST_REFERENCE_CHARACTERS)
    if not is_reference(value):
        raise _Wrong(FieldProblem.NOT_PRINTABLE)
    return value


def _parsed(text: str) -> object:
    """JSON, by a parser that bounds how deep it may be nested."""
    try:
        parsed: object = from_json(text)
    except ValueError:
        raise _Wrong(FieldProblem.NOT_JSON) from None
    return parsed
