"""What is sent through SQLAlchemy, noted while something is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

LOCKS = re.compile(r"\bFOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b")


@contextmanager
def noted() -> Iterator[list[str]]:
    """The statements of every engine, in order."""
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def without_subject(statement: str, tables: Iterable[str]) -> set[str]:
    """Those of `tables` that are read or written without saying whose rows: Citus would ask every
    shard of them.
    """
    return {
        table
        for table in tables
        if re.search(rf"\b(FROM|JOIN|UPDATE|,) {table}\b", statement)
        and not re.search(rf"\b{table}\.subject_id (= |IN \()%\(", statement)
    }
