"""JSON lines: an object a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic_core import from_json

from service.bulk.fields import malformed, row_of
from service.bulk.lines import MOST_LINE_BYTES, count_lines, lines_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.messages import FieldProblem


class JsonLines:
    """Implements `BulkSource`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def expected(self) -> int:
        return count_lines(self._path)

    def rows(self) -> Iterator[BulkRow]:
        """Blank lines are passed over."""
        with self._path.open("rb") as file:
            for number, line in enumerate(lines_of(file), 1):
                if line is None or line.strip():
                    yield self._row(Place(Unit.LINE, number), line)

    def _row(self, place: Place, line: bytes | None) -> BulkRow:
        if line is None:
            return malformed(place, FieldProblem.TOO_LONG, longest=MOST_LINE_BYTES)
        try:
            fields = from_json(line)
        except ValueError:
            return malformed(place, FieldProblem.NOT_JSON)
        if not isinstance(fields, dict):
            return malformed(place, FieldProblem.NOT_OBJECT)
        return row_of(place, fields, self._path.parent)
