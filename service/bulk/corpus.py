"""Photographs of known people, to measure a model on: a folder for each person, or a CSV file with groups."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from service.bulk.csv_file import Dialect, dialect_of
from service.bulk.fields import IMAGES, SUBJECT, field_named, invalid, row_of, shown
from service.bulk.formats import NOBODY, is_photograph
from service.domain.bulk import KnownPerson, Place, RefusedRow, Unit
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable, FieldProblem, InvalidRequest
from service.domain.face import ImageFiles

GROUP = "group"
COLUMNS = (SUBJECT, IMAGES, GROUP)

MOST_OF_A_PERSON = 50
"""Photographs: many more of one person make pairs that say little about others."""


def known_people(path: Path) -> list[KnownPerson]:
    """Raises `InvalidRequest`, `BulkFileUnusable` for a CSV file that cannot be read as one."""
    return [*_people_of_folders(path)] if path.is_dir() else _people_of_csv(path)


def _people_of_folders(path: Path) -> Iterator[KnownPerson]:
    for folder in sorted(path.iterdir()):
        if (
            folder.is_dir()
            and not folder.name.startswith(".")
            and folder.name.lower() not in NOBODY
        ):
            yield KnownPerson(folder.name, _first([str(each) for each in _photographs(folder)]))


def _photographs(folder: Path) -> list[Path]:
    """2 comes before 10."""
    files = [each for each in folder.iterdir() if is_photograph(each.name) and each.is_file()]
    return sorted(files, key=lambda file: (len(file.name), file.name))


def _first(files: Sequence[str]) -> Sequence[str]:
    return files[:MOST_OF_A_PERSON]


def _people_of_csv(path: Path) -> list[KnownPerson]:
    """A person may have several lines."""
    files: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for place, fields in _lines(path):
        row = row_of(place, {name: fields.get(name) for name in (SUBJECT, IMAGES)}, path.parent)
        if isinstance(row, RefusedRow):
            raise _at(place, row.error)
        group = fields.get(GROUP, "").strip()
        if groups.setdefault(row.subject_id, group) != group:
            raise _at(place, invalid(GROUP, FieldProblem.REPEATED))
        if isinstance(row.source, ImageFiles):
            files.setdefault(row.subject_id, []).extend(row.source.paths)
    return [KnownPerson(name, _first(each), groups[name]) for name, each in files.items()]


def _at(place: Place, error: Exception) -> InvalidRequest:
    """`error`, told where it stands in the file."""
    problems = error.problems if isinstance(error, InvalidRequest) else []
    return InvalidRequest([{**each, "field": f"{place.at}: {each['field']}"} for each in problems])


def _lines(path: Path) -> Iterator[tuple[Place, Mapping[str, str]]]:
    dialect = dialect_of(path)
    with path.open(encoding=dialect.encoding, errors="strict", newline="") as file:
        try:
            yield from _rows(csv.reader(file, delimiter=dialect.separator, strict=True), dialect)
        except (csv.Error, UnicodeDecodeError) as error:
            cause = BulkFileUnusable()
            raise cause.because(Cause.BULK_FILE_DAMAGED, format="CSV", reason=error) from None


def _rows(
    reader: Iterator[list[str]], dialect: Dialect
) -> Iterator[tuple[Place, Mapping[str, str]]]:
    for _ in range(dialect.lines_before):
        next(reader)
    columns = _columns(next(reader, []))
    for number, values in enumerate(reader, dialect.lines_before + 2):
        place = Place(Unit.LINE, number)
        if len(values) > len(columns):
            problem = invalid(
                "line", FieldProblem.NUMBER_OF_FIELDS, found=len(values), expected=len(columns)
            )
            raise _at(place, problem)
        if any(values):
            yield place, dict(zip(columns, map(str.strip, values), strict=False))


def _columns(names: Sequence[str]) -> list[str]:
    """Raises `InvalidRequest` where a name is unknown, missing or there twice."""
    columns = [field_named(name, COLUMNS) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column is None:
            raise invalid(shown(name), FieldProblem.UNKNOWN, choices=", ".join(COLUMNS))
        if columns.count(column) > 1:
            raise invalid(column, FieldProblem.REPEATED)
    for needed in (SUBJECT, IMAGES):
        if needed not in columns:
            raise invalid(needed, FieldProblem.MISSING)
    return [column for column in columns if column is not None]
