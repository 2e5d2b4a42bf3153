"""PostgreSQL's binary COPY format for rows of one length, made by NumPy without a loop over rows.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": a signature; for each row the
number of its fields, and each field's length and bytes; -1 in the end. Everything is big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_NO_FLAGS_NO_EXTENSION = bytes(8)
_END = (-1).to_bytes(2, "big", signed=True)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Cells = NDArray[np.uint8]
"""(rows, length): the bytes of one field in every row."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    cells: Cells


def copied(columns: Sequence[Column]) -> bytes:
    """What COPY reads. All columns have as many rows."""
    rows = len(columns[0].cells)
    parts = [repeated(len(columns).to_bytes(2, "big"), rows)]
    for column in columns:
        parts += [repeated(column.cells.shape[1].to_bytes(4, "big"), rows), column.cells]
    return _SIGNATURE + _NO_FLAGS_NO_EXTENSION + np.hstack(parts).tobytes() + _END


def repeated(value: bytes, rows: int) -> Cells:
    """The same in every row."""
    return np.broadcast_to(np.frombuffer(value, np.uint8), (rows, len(value)))


def fixed_bytes(values: Sequence[bytes]) -> Cells:
    """One value a row, all of one length. Raises `ValueError` where they are not."""
    if len({len(value) for value in values}) > 1:
        raise ValueError("rows of one length need values of one length")
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)


def halfvecs(vectors: Sequence[NDArray[np.float32]]) -> Cells:
    """pgvector's `halfvec`: number of dimensions, two bytes of zero, then half-precision numbers."""
    numbers = np.stack(vectors).astype(">f2")
    head = repeated(numbers.shape[1].to_bytes(2, "big") + bytes(2), len(numbers))
    return np.hstack([head, numbers.view(np.uint8)])


def integers(values: NDArray[np.int64]) -> Cells:
    """`bigint`."""
    return values.astype(">i8").view(np.uint8).reshape(len(values), -1)


def timestamp(moment: datetime) -> bytes:
    """`timestamptz`: microseconds since 2000."""
    return ((moment - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)
