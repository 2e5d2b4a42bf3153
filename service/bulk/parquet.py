"""Parquet, by pyarrow. Metadata are JSON text; an embedding is a list of floating-point numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.fields import EMBEDDING, columns_of, row_of
from service.domain.bulk import BulkRow, Place, Unit
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable

ROWS_AT_A_TIME = 500


class ParquetFile:
    """Implements `BulkSource`."""

    def __init__(self, path: Path) -> None:
        """Raises `InvalidRequest`, `BulkFileUnusable`."""
        self._path = path
        with _readable(), pq.ParquetFile(path) as file:
            self._rows = int(file.metadata.num_rows)
            self._columns = columns_of(file.schema_arrow.names)

    @property
    def expected(self) -> int:
        return self._rows

    def rows(self) -> Iterator[BulkRow]:
        number = 0
        with _readable(), pq.ParquetFile(self._path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(ROWS_AT_A_TIME):
                for fields in _fields(batch, self._columns):
                    number += 1
                    yield row_of(Place(Unit.ROW, number), fields, self._path.parent)


def _fields(batch: pa.RecordBatch, fields: Sequence[str | None]) -> Iterator[dict[str, object]]:
    named = [(field, column) for field, column in zip(fields, batch.columns, strict=True) if field]
    columns = [_values(field, column) for field, column in named]
    for values in zip(*columns, strict=True):
        yield dict(zip((field for field, _ in named), values, strict=True))


def _values(name: str, column: pa.Array) -> Iterator[object]:
    return (_numbers(each) if name == EMBEDDING else each.as_py() for each in column)


def _numbers(scalar: pa.Scalar) -> object:
    """(n,) float64, NaN where a number is missing; what is no list of numbers, as it is."""
    values = getattr(scalar, "values", None)
    if values is None or not pa.types.is_floating(values.type):
        return scalar.as_py()
    return values.to_numpy(zero_copy_only=False).astype(np.float64)


@contextmanager
def _readable() -> Iterator[None]:
    """pyarrow's own words may quote a file's content, and are left out.

    Raises `BulkFileUnusable`.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BulkFileUnusable().because(
            Cause.BULK_FILE_DAMAGED, format="Parquet", reason=type(error).__name__
        ) from None
