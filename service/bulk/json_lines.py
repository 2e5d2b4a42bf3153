"""A file of JSON lines has an object a line, none of them longer than memory can bear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic_core import from_json

from service.bulk.fields import malformed, row_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.errors import FieldProblem

MOST_LINE_BYTES = 1024 * 1024
"""An embedding printed at full length takes 12 KB, metadata 4 KB."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLOCK = 1024 * 1024
"""Bytes read at a time."""


def count_lines(path: Path) -> int:
    """Counted by their ends, at the speed of the disk; 0 for a pipe, which can be read once only."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))


def lines_of(file: BinaryIO) -> Iterator[bytes | None]:
    """Without a byte-order mark; None for a line that is too long."""
    line = file.readline(MOST_LINE_BYTES).removeprefix(_BYTE_ORDER_MARK)
    while line:
        if len(line) < MOST_LINE_BYTES or line.endswith(b"\n"):
            yield line
        else:
            _skip_line(file)
            yield None
        line = file.readline(MOST_LINE_BYTES)


def _skip_line(file: BinaryIO) -> None:
    while (part := file.readline(MOST_LINE_BYTES)) and not part.endswith(b"\n"):
        pass


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
