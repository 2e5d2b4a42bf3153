"""A folder with one folder per person, named by the subject's id, with their photographs in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from service.domain.bulk import BulkRow, Place, RefusedRow, Row, Unit
from service.domain.errors import InvalidRequest
from service.domain.messages import FieldProblem
from service.domain.names import SUBJECT_ID
from service.domain.source import DirectoryImages


class FolderTree:
    """Implements `BulkSource`. `max_images`: photographs to take of each person, by name.

    Hidden folders, and files beside the folders, are nobody.
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

    def _row(self, name: str) -> BulkRow:
        place = Place(Unit.FOLDER, name)
        if not re.fullmatch(SUBJECT_ID, name):
            problem = {"field": "subjectId", "problem": FieldProblem.INVALID}
            return RefusedRow(place, InvalidRequest([problem]))
        return Row(place, name, DirectoryImages(str(self._path / name), self._max_images))

    def _names(self) -> list[str]:
        with os.scandir(self._path) as entries:
            return sorted(
                entry.name for entry in entries if entry.is_dir() and entry.name[0] != "."
            )
