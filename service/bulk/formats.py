"""In which format people to enroll come: a file's name says it, and a folder has a folder for each."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from service.bulk.csv_file import CsvFile
from service.bulk.fields import IMAGES, SUBJECT, SUBJECT_ID_ALLOWED, invalid
from service.bulk.json_lines import JsonLines
from service.domain.bulk import BulkRow, Place, RefusedRow, Row, Unit
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable, ExtraMissing, FieldProblem
from service.domain.face import DirectoryImages
from service.domain.identifiers import SUBJECT_ID
from service.domain.ports import BulkSource

EXTRA = "bulk"


def open_source(path: Path, max_images: int) -> BulkSource:
    """`max_images`: photographs to take of each person's folder.

    Raises `BulkFileUnusable`, `InvalidRequest` where the file as a whole is of no use,
    `ExtraMissing`.
    """
    if path.is_dir():
        return FolderTree(path, max_images)
    opened = _FORMATS.get(path.suffix.lower())
    if opened is None:
        raise BulkFileUnusable().because(Cause.BULK_FORMAT_UNKNOWN, known=", ".join(_FORMATS))
    return opened(path)


def _parquet(path: Path) -> BulkSource:
    try:
        from service.bulk.parquet import ParquetFile
    except ModuleNotFoundError:
        raise ExtraMissing(extra=EXTRA) from None
    return ParquetFile(path)


_FORMATS: Mapping[str, Callable[[Path], BulkSource]] = {
    ".csv": CsvFile,
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
    ".parquet": _parquet,
}


NOBODY = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "lost+found", "system volume information"}
)
"""Folders that macOS, NAS devices and file systems put beside others; also whatever begins with a dot."""

PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"})
"""What looks like a photograph, whether it could be read or not."""


class FolderTree:
    """Implements `BulkSource`. `max_images`: photographs to take of each person, by name.

    Hidden folders and those of operating systems are nobody. Photographs beside the folders belong to
    nobody either, which is told; other files are passed over.
    """

    def __init__(self, path: Path, max_images: int) -> None:
        self._path = path
        self._max_images = max_images

    @property
    def expected(self) -> int:
        return len(self._names())

    def rows(self) -> Iterator[BulkRow]:
        """By name."""
        for name in self._names():
            yield self._row(name)

    def _names(self) -> Sequence[str]:
        with os.scandir(self._path) as entries:
            return sorted(entry.name for entry in entries if _is_of_interest(entry))

    def _row(self, name: str) -> BulkRow:
        folder, is_name = self._path / name, re.fullmatch(SUBJECT_ID, name) is not None
        problem = _problem_of(folder)
        place = Place(Unit.FILE if problem is FieldProblem.LOOSE_PHOTOGRAPH else Unit.FOLDER, name)
        if not is_name and problem in (None, FieldProblem.NO_PHOTOGRAPHS):
            wrong = invalid(SUBJECT, FieldProblem.NOT_A_NAME, **SUBJECT_ID_ALLOWED)
            return RefusedRow(place, wrong)
        if problem is not None:
            subject_id = name if is_name and place.unit is Unit.FOLDER else None
            return RefusedRow(place, invalid(IMAGES, problem, path=str(folder)), subject_id)
        return Row(place, name, DirectoryImages(str(folder), self._max_images))


def _is_of_interest(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name.casefold() in NOBODY:
        return False
    try:
        return entry.is_dir() or is_photograph(entry.name)
    except OSError:  # a symlink to itself
        return True


def is_photograph(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in PHOTOGRAPHS


def _problem_of(folder: Path) -> FieldProblem | None:
    try:
        with os.scandir(folder) as entries:
            found = any(is_photograph(entry.name) for entry in entries)
    except NotADirectoryError:
        return FieldProblem.LOOSE_PHOTOGRAPH
    except OSError as error:
        leads_nowhere = error.errno in (errno.ELOOP, errno.ENOENT)
        return FieldProblem.LINK_LEADS_NOWHERE if leads_nowhere else FieldProblem.CLOSED
    return None if found else FieldProblem.NO_PHOTOGRAPHS
