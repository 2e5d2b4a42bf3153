"""CSV with a head (RFC 4180). Lists and objects are JSON in their field."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from service.bulk.fields import malformed, require_known, row_of
from service.bulk.lines import count_lines, lines_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.errors import BulkFileUnusable
from service.domain.messages import FieldProblem

_NOT_UTF_8 = "\N{REPLACEMENT CHARACTER}"


class CsvFile:
    """Implements `BulkSource`."""

    def __init__(self, path: Path) -> None:
        """Raises `InvalidRequest`, `BulkFileUnusable` where the head is none."""
        self._path = path
        with path.open("rb") as file:
            self._names = _head(csv.reader(_Texts(file), strict=True))
        require_known(self._names)

    @property
    def expected(self) -> int:
        return max(0, count_lines(self._path) - 1)

    def rows(self) -> Iterator[BulkRow]:
        """A row stands where its first line does. Blank lines are passed over."""
        with self._path.open("rb") as file:
            texts = _Texts(file)
            reader = csv.reader(texts, strict=True)
            next(reader)
            while True:
                texts.begin()
                values: list[str] | None = None
                try:
                    values = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    pass
                if values != [] or texts.too_long:
                    yield self._row(values, texts)

    def _row(self, values: Sequence[str] | None, texts: _Texts) -> BulkRow:
        """`values`: None where they could not be parted."""
        place = Place(Unit.LINE, texts.first)
        if values is None or len(values) != len(self._names):
            problem = FieldProblem.TOO_LONG if texts.too_long else FieldProblem.INVALID
            texts.rewind()
            return malformed(place, problem)
        if texts.too_long or any(_NOT_UTF_8 in value for value in values):
            return malformed(place)
        return row_of(place, dict(zip(self._names, values, strict=True)), self._path.parent)


class _Texts(Iterator[str]):
    """Lines as text, of which those of one row can be taken back: a quotation mark that is never
    closed makes all that follows one row, and only the first line of it is to blame.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = lines_of(file)
        self._again: deque[bytes | None] = deque()
        self._taken: list[bytes | None] = []
        self.first = 1

    def begin(self) -> None:
        """A new row starts with the next line."""
        self.first += len(self._taken)
        self._taken = []

    def rewind(self) -> None:
        """To the second line of the row."""
        self._again.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]

    @property
    def too_long(self) -> bool:
        """Whether the row has a line that was passed over for its length."""
        return None in self._taken

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        return "" if line is None else line.decode(errors="replace")


def _head(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader)
    except StopIteration:
        raise BulkFileUnusable(cause="the file is empty") from None
    except csv.Error:
        raise BulkFileUnusable(cause="the first line is no head of a CSV file") from None
