"""A CSV file has a head (RFC 4180); lists and objects are JSON in their field.

How it was saved is found out: its encoding, what parts its fields, Excel's `sep=` line before the head.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from service.bulk.fields import columns_of, field_named, malformed, row_of
from service.bulk.json_lines import BLOCK, MOST_LINE_BYTES, count_lines, lines_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable, FieldProblem

SEPARATORS = (",", ";", "\t", "|")
"""Excel writes semicolons where the comma is the decimal sign, and tabs as `Text`."""

KOREAN = "euc_kr"
"""What Excel saves on a Korean Windows, CP949, but for its rare syllables: their second bytes may be letters,
so that half of Europe's old encodings would pass for it."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`lines_before`: the head. `skips_spaces`: behind a separator, as the head has them."""

    encoding: str
    separator: str
    lines_before: int
    skips_spaces: bool


def dialect_of(path: Path) -> Dialect:
    """Raises `BulkFileUnusable` for UTF-16, and where there is no line."""
    with path.open("rb") as file:
        if file.read(2) in _UTF_16:
            raise BulkFileUnusable().because(Cause.BULK_FILE_IN_UTF_16)
        file.seek(0)
        lines = [line or b"" for line in islice(lines_of(file), 2)]
    if not lines:
        raise BulkFileUnusable().because(Cause.BULK_FILE_EMPTY)
    encoding = _encoding_of(path)
    first, *rest = (line.decode(encoding, "replace") for line in lines)
    if told := _SEPARATOR_LINE.fullmatch(first):
        return Dialect(encoding, told[1], 1, _has_spaces("".join(rest), told[1]))
    separator = max(SEPARATORS, key=lambda one: _known_names(first, one))
    return Dialect(encoding, separator, 0, _has_spaces(first, separator))


def _encoding_of(path: Path) -> str:
    """UTF-8 also where it is neither: then single rows are refused."""
    return next((one for one in ("utf-8", KOREAN) if _is_all(one, path)), "utf-8")


def _is_all(encoding: str, path: Path) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _known_names(head: str, separator: str) -> int:
    return sum(field_named(name) is not None for name in _names(head, separator))


def _has_spaces(head: str, separator: str) -> bool:
    return any(name != name.lstrip() for name in _names(head, separator))


def _names(head: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([head], delimiter=separator), [])
    except csv.Error:
        return []


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
