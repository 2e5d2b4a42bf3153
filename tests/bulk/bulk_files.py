"""Bulk files of every format with the same people in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.bulk.formats import open_source
from service.domain.bulk import BulkRow, RefusedRow, Row

Fields = Mapping[str, Any]
NAMES = ("subjectId", "images", "embedding", "metadata", "expiresAt", "consentReference")


def write_json_lines(folder: Path, people: Sequence[Fields]) -> Path:
    path = folder / "people.jsonl"
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in people]
    path.write_text("".join(lines), "utf-8")
    return path


def write_csv(folder: Path, people: Sequence[Fields]) -> Path:
    path = folder / "people.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, NAMES)
        writer.writeheader()
        for one in people:
            writer.writerow({name: as_text(value) for name, value in one.items()})
    return path


def write_parquet(folder: Path, people: Sequence[Fields]) -> Path:
    path = folder / "people.parquet"
    texts = [
        {name: one.get(name) if name == "embedding" else as_text(one.get(name)) for name in NAMES}
        for one in people
    ]
    kinds = {name: pa.list_(pa.float32()) if name == "embedding" else pa.string() for name in NAMES}
    pq.write_table(pa.Table.from_pylist(texts, pa.schema(kinds)), path)
    return path


def as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


WRITERS: tuple[Callable[[Path, Sequence[Fields]], Path], ...] = (
    write_json_lines,
    write_csv,
    write_parquet,
)


def read(path: Path) -> list[BulkRow]:
    return list(open_source(path, max_images=5).rows())


def told(row: BulkRow) -> object:
    """A refusal as its code and its field's problem; of a sound row, its subject id."""
    if isinstance(row, Row):
        return row.subject_id
    assert isinstance(row, RefusedRow)
    problems = [(each["field"], str(each["problem"])) for each in row.error.particulars]
    return (row.error.code, *problems)
