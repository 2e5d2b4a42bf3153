"""Rows go into a table with all values in PostgreSQL's binary format.

A search vector as text costs more than all the rest of an enrollment's row (measured: 0.6 ms of 1 ms
to print 512 numbers, and the server has to read them). One row is an INSERT; many go by COPY, at a
third of the cost (measured: 2,000 people and their templates in 0.17 s instead of 0.54).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.sql import SQL, Composed, Identifier, Placeholder
from sqlalchemy import BigInteger, Column, Connection, DateTime, LargeBinary, Table, Text, Uuid

from service.storage.engine import driver_of
from service.storage.suitability import has_citus

_TYPES: Mapping[type, str] = {
    BigInteger: "int8",
    DateTime: "timestamptz",
    HALFVEC: "bytea",  # `_halfvec` makes what the column's type reads
    LargeBinary: "bytea",
    Text: "text",
    Uuid: "uuid",
}

_Row = list[Any]


class _Halfvec(bytes):
    """As pgvector's `halfvec_recv` reads it."""


class _HalfvecDumper(Dumper):
    """Names no type, so that the server takes the column's."""

    format = Format.BINARY

    def dump(self, obj: _Halfvec) -> bytes:
        return bytes(obj)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """`rows` by column name, all with the same ones. Raises psycopg's errors.

    Never by COPY where there is Citus: on a connection that has read the shard before, its rows are
    no part of the two-phase commit (Citus 14.0), so that a transaction reports success and nobody is
    stored. What a worker refuses there arrives as XX000, too, instead of its own code.
    """
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    write = [_written(column) for column in columns]
    values = [
        [one(row[column.name]) for one, column in zip(write, columns, strict=True)] for row in rows
    ]
    if len(values) == 1 or has_citus(connection):
        _insert(connection, table, columns, values)
    else:
        _copy(connection, table, columns, values)


def _insert(
    connection: Connection, table: Table, columns: Sequence[Column[Any]], rows: Sequence[_Row]
) -> None:
    statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(table.name), _names(columns), SQL(", ").join(Placeholder() * len(columns))
    )
    with driver_of(connection).cursor() as cursor:
        cursor.adapters.register_dumper(_Halfvec, _HalfvecDumper)
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
        else:
            cursor.executemany(statement, rows)


def _copy(
    connection: Connection, table: Table, columns: Sequence[Column[Any]], rows: Sequence[_Row]
) -> None:
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        Identifier(table.name), _names(columns)
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_TYPES[type(column.type)] for column in columns])
        for row in rows:
            copy.write_row(row)


def _names(columns: Sequence[Column[Any]]) -> Composed:
    return SQL(", ").join(Identifier(column.name) for column in columns)


def _written(column: Column[Any]) -> Callable[[Any], Any]:
    return _halfvec if isinstance(column.type, HALFVEC) else _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _halfvec(values: NDArray[np.float32]) -> _Halfvec:
    """Two 16-bit numbers, size and zero, then the halves."""
    size = len(values).to_bytes(2, "big")
    return _Halfvec(size + bytes(2) + values.astype(">f2").tobytes())
