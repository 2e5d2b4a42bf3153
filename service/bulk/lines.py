"""The lines of a file, each with its number, none of them longer than memory can bear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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
