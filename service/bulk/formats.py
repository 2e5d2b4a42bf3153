"""Which format a file is in: its name says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from service.bulk.csv_file import CsvFile
from service.bulk.folder_tree import FolderTree
from service.bulk.json_lines import JsonLines
from service.domain.causes import Cause
from service.domain.errors import BulkFileUnusable, ExtraMissing
from service.domain.ports import BulkSource

EXTRA = "bulk"


def open_source(path: Path, max_images: int) -> BulkSource:
    """`max_images`: photographs to take of each person's folder.

    Raises `BulkFileUnusable`, `InvalidRequest` where the file as a whole is of no use,
    `ExtraMissing`.
    """
    if path.is_dir():
        return FolderTree(path, max_images)
    opened = _FORMATS.get(path.suffix.lower())
    if opened is None:
        raise BulkFileUnusable().because(Cause.BULK_FORMAT_UNKNOWN, known=", ".join(_FORMATS))
    return opened(path)


def _parquet(path: Path) -> BulkSource:
    try:
        from service.bulk.parquet import ParquetFile
    except ModuleNotFoundError:
        raise ExtraMissing(extra=EXTRA) from None
    return ParquetFile(path)


_FORMATS: Mapping[str, Callable[[Path], BulkSource]] = {
    ".csv": CsvFile,
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
    ".parquet": _parquet,
}
