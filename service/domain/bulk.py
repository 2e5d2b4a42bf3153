"""Many people at once: a row of a file, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from service.domain.errors import Candidate, FaceError
from service.domain.face import DirectoryImages, GivenEmbedding, ImageFiles
from service.domain.template import PlainTemplate
from service.domain.warnings import DecisionWarning


class Unit(StrEnum):
    """How places in a source are counted, from 1; folders and files go by their names."""

    LINE = "line"
    ROW = "row"
    FOLDER = "folder"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its source a row stands."""

    unit: Unit
    at: int | str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A person to enroll, as the source has them. The fields are those of an enrollment."""

    place: Place
    subject_id: str
    source: ImageFiles | DirectoryImages | GivenEmbedding
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    consent_reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """`subject_id`: None where the row has none that is valid."""

    place: Place
    error: FaceError
    subject_id: str | None = None


BulkRow: TypeAlias = Row | RefusedRow


@dataclass(frozen=True, slots=True)
class BulkCandidate:
    """A row and the template of the face that was found in its source, by each model that is asked for."""

    row: Row
    templates: Mapping[str, PlainTemplate]


class Result(StrEnum):
    """`FLAGGED`: enrolled although somebody looks alike. `ALREADY`: by an earlier run."""

    ENROLLED = "enrolled"
    FLAGGED = "flagged"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """`error`: why it was refused. `candidates`: of a flagged row, most similar first. `warnings`: of its
    duplicate check.
    """

    place: Place
    subject_id: str | None
    result: Result
    error: FaceError | None = None
    candidates: Sequence[Candidate] = ()
    warnings: Sequence[DecisionWarning] = ()


def refused(row: Row | RefusedRow, error: FaceError) -> BulkOutcome:
    return BulkOutcome(row.place, row.subject_id, Result.REFUSED, error)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Whose photographs are in `files`, in the order in which templates are made of them. `group`: to be
    looked at for itself; empty where all are of one.
    """

    name: str
    files: Sequence[str] = field(repr=False)
    group: str = ""
