"""How a CSV file was saved: its encoding, what parts its fields, and Excel's `sep=` line before its head."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from service.bulk.field_names import field_named
from service.bulk.lines import BLOCK, lines_of
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable

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
