"""CSV with a head (RFC 4180), as spreadsheets save it. Lists and objects are JSON in their field."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from service.bulk.csv_dialect import Dialect, dialect_of
from service.bulk.field_names import columns_of
from service.bulk.fields import malformed, row_of
from service.bulk.lines import MOST_LINE_BYTES, count_lines, lines_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable
from service.domain.messages import FieldProblem

_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


class CsvFile:
    """Implements `BulkSource`."""

    def __init__(self, path: Path) -> None:
        """Raises `InvalidRequest`, `BulkFileUnusable` where the head is none."""
        self._path = path
        self._dialect = dialect_of(path)
        with path.open("rb") as file:
            texts = _Texts(file, self._dialect)
            self._columns = columns_of(_head(self._reader(texts)))

    @property
    def expected(self) -> int:
        return max(0, count_lines(self._path) - 1 - self._dialect.lines_before)

    def rows(self) -> Iterator[BulkRow]:
        """A row stands where its first line does. Lines without a value are passed over."""
        with self._path.open("rb") as file:
            texts = _Texts(file, self._dialect)
            reader = self._reader(texts)
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
                if values is None or any(values) or texts.too_long:
                    yield self._row(values, texts)

    def _reader(self, texts: _Texts) -> Iterator[list[str]]:
        return csv.reader(
            texts,
            strict=True,
            delimiter=self._dialect.separator,
            skipinitialspace=self._dialect.skips_spaces,
        )

    def _row(self, values: list[str] | None, texts: _Texts) -> BulkRow:
        """`values`: None where they could not be parted."""
        place, count = Place(Unit.LINE, texts.first), len(self._columns)
        if texts.too_long:
            texts.rewind()
            return malformed(place, FieldProblem.TOO_LONG, longest=MOST_LINE_BYTES)
        if values is None:
            texts.rewind()
            return malformed(place, FieldProblem.OPEN_QUOTES)
        fitted = _without_empty_end(values, count)
        if len(fitted) != count or self._has_value_without_name(fitted):
            texts.rewind()
            return malformed(
                place, FieldProblem.NUMBER_OF_FIELDS, found=len(values), expected=self._named
            )
        if any(_UNDECODABLE in value for value in fitted):
            return malformed(place, FieldProblem.NOT_SAVED_AS_UTF_8)
        named = zip(self._columns, fitted, strict=True)
        return row_of(place, {name: value for name, value in named if name}, self._path.parent)

    @property
    def _named(self) -> int:
        return sum(name is not None for name in self._columns)

    def _has_value_without_name(self, values: Sequence[str]) -> bool:
        return any(
            value and name is None for name, value in zip(self._columns, values, strict=True)
        )


def _without_empty_end(values: list[str], count: int) -> list[str]:
    """Spreadsheets write commas for cells that were once filled."""
    while len(values) > count and not values[-1]:
        values = values[:-1]
    return values


class _Texts(Iterator[str]):
    """Lines as text, of which those of one row can be taken back: a quotation mark that is never
    closed makes all that follows one row, and only the first line of it is to blame.
    """

    def __init__(self, file: BinaryIO, dialect: Dialect) -> None:
        self._lines = lines_of(file)
        self._encoding = dialect.encoding
        self._again: deque[bytes | None] = deque()
        self._taken: list[bytes | None] = []
        self.first = 1
        for _ in range(dialect.lines_before):
            next(self)

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
        return "" if line is None else line.decode(self._encoding, errors="replace")


def _head(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader)
    except (StopIteration, csv.Error):
        raise BulkFileUnusable().because(Cause.BULK_FILE_WITHOUT_HEAD) from None
